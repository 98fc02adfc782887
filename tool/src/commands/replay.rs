//! `jostle replay`: gives a recorded run to the same core on the host, which
//! must make the same steps.

use std::path::Path;

use crate::qemu::log_memory;
use crate::report::{note, result};
use crate::status;

/// Replays the record in `file`; the status says whether every step agreed.
pub fn replay(file: &Path) -> anyhow::Result<u8> {
    let record = log_memory::read_record(file)?;
    match sim::replay::replay(&record) {
        Ok(report) => {
            result(report);
            Ok(status::CLEAN)
        }
        Err(difference) => {
            note(format_args!("{}: {difference}", file.display()));
            Ok(status::FAILURE)
        }
    }
}
