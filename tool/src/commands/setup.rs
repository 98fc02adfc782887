//! `jostle setup`: gets what is missing now, not when it is first used.
//!
//! Rust itself and a C compiler are the script's part, without which this tool
//! would not be here.

use crate::cli::Part;
use crate::external::{self, External};
use crate::report::note;
use crate::status;

/// Obtains everything or one part; says what each is.
pub fn setup(part: Option<Part>, private: bool) -> anyhow::Result<u8> {
    let needed: &[&External] = match part {
        None => &external::ALL,
        Some(Part::Qemu) => &[&external::QEMU],
        Some(Part::Gdb) => &[&external::GDB],
        Some(Part::Image) => &[&external::GRUB],
    };
    for external in needed {
        let found = if private {
            external.unpack()?
        } else {
            external.find_or_obtain()?
        };
        note(format_args!("{}: {}", external.name, found.path.display()));
    }
    if part.is_none() {
        note("everything is there");
    }
    Ok(status::CLEAN)
}
