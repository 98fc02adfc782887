//! The logs of a simulated run, in the files that QEMU's kernel would write to.
//!
//! The tool has made them: an empty head and a hole, and cuts them when the run is
//! over. The hard thing is the order, as any moment may be the last: the head counts
//! bytes only after they are there.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::Context;
use witness::log_memory::{Head, ITEMS, Purpose};
use witness::trace::Words;

use crate::status::usage;

/// The simulated machine's ticks are nanoseconds.
const HZ: u64 = 1_000_000_000;

/// One log's file.
pub struct LogFile {
    file: File,
    purpose: Purpose,
    head: Head,
}

impl LogFile {
    /// Opens the file and says in its head that a log begins.
    pub fn open(path: &Path, purpose: Purpose) -> anyhow::Result<LogFile> {
        let file = File::options().write(true).open(path);
        let file = file.map_err(|error| usage(format_args!("{}: {error}", path.display())))?;
        let log = LogFile {
            file,
            purpose,
            head: Head {
                hz: HZ,
                ..Head::default()
            },
        };
        log.write_head()?;
        Ok(log)
    }

    /// Appends bytes, and counts them.
    pub fn append(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let place = u64::from(ITEMS) + self.head.len;
        self.file
            .write_all_at(bytes, place)
            .with_context(|| self.purpose.name())?;
        self.head.len += bytes.len() as u64;
        self.write_head()
    }

    /// Appends records of the trace.
    pub fn append_records(&mut self, records: &[Words]) -> anyhow::Result<()> {
        let bytes = |record: &Words| record.map(u32::to_le_bytes).concat();
        let bytes: Vec<u8> = records.iter().flat_map(bytes).collect();
        self.append(&bytes)
    }

    fn write_head(&self) -> anyhow::Result<()> {
        let words = self.head.words(self.purpose).map(u32::to_le_bytes);
        let written = self.file.write_all_at(&words.concat(), 0);
        written.with_context(|| self.purpose.name())
    }
}
