//! The logs of a simulated run, in the files that QEMU's kernel would write to.
//!
//! The tool has made them: an empty head and a hole, as large as the log may become,
//! and cuts them when the run is over. The hard thing is the order, as any moment may
//! be the last: the head counts bytes only after they are there.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::Context;
use witness::log_memory::{Head, ITEMS, PURPOSE_WORDS, Purpose};
use witness::trace::Words;

use crate::status::usage;

/// The simulated machine's ticks are nanoseconds.
const HZ: u64 = 1_000_000_000;

/// One log's file.
pub struct LogFile {
    file: File,
    purpose: Purpose,
    head: Head,
    /// How many bytes of items there may be.
    room: u64,
    /// Bytes of one item: an item is there as a whole or not at all.
    item: u64,
}

impl LogFile {
    /// Opens the file and says in its head that a log begins.
    pub fn open(path: &Path, purpose: Purpose) -> anyhow::Result<LogFile> {
        let file = File::options().write(true).open(path);
        let file = file.map_err(|error| usage(format_args!("{}: {error}", path.display())))?;
        let size = file.metadata().with_context(|| purpose.name())?.len();
        let log = LogFile {
            file,
            purpose,
            room: size.saturating_sub(ITEMS.into()),
            item: purpose.words()[PURPOSE_WORDS - 1].into(),
            head: Head {
                hz: HZ,
                ..Head::default()
            },
        };
        log.write_head()?;
        Ok(log)
    }

    /// Appends items, and counts them: as many as there is room for, and those that
    /// are lost.
    pub fn append(&mut self, items: &[u8]) -> anyhow::Result<()> {
        let given = items.len() as u64 / self.item;
        let fitting = given.min((self.room - self.head.len) / self.item);
        let bytes = &items[..(fitting * self.item) as usize];
        let place = u64::from(ITEMS) + self.head.len;
        self.file
            .write_all_at(bytes, place)
            .with_context(|| self.purpose.name())?;
        self.head.len += bytes.len() as u64;
        self.head.lost += given - fitting;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use witness::log_memory::HEAD_SIZE;

    /// A log in a file with room for `room` bytes of items, after these were appended.
    fn head_after(purpose: Purpose, room: u64, items: &[&[u8]]) -> (Head, Vec<u8>) {
        let scratch = Scratch::new(purpose.name());
        let file = scratch.file("log");
        let made = File::create(&file).expect("made");
        made.set_len(u64::from(ITEMS) + room).expect("sized");
        let mut log = LogFile::open(&file, purpose).expect("opened");
        for item in items {
            log.append(item).expect("written");
        }
        let bytes = std::fs::read(&file).expect("read");
        let head = bytes[..HEAD_SIZE].try_into().expect("a head");
        let head = Head::from_bytes(head, purpose).expect("its own");
        (head, bytes[ITEMS as usize..].to_vec())
    }

    #[test]
    fn a_log_ends_where_its_room_does() {
        let (head, bytes) = head_after(Purpose::Record, 5, &[b"abc", b"def", b"g"]);
        assert_eq!((head.len, head.lost, head.hz), (5, 2, HZ));
        assert_eq!(bytes, b"abcde");
        // Of the trace only whole records.
        let records = [1; 96];
        let (head, bytes) = head_after(Purpose::Trace, 80, &[&records]);
        assert_eq!((head.len, head.lost), (64, 1));
        assert_eq!(bytes[60..68], [1, 1, 1, 1, 0, 0, 0, 0]);
    }
}
