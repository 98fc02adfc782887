//! What a record of a simulated run has beside what the kernel was told: enough to make
//! the run again.
//!
//! Such a run is decided by what was asked for, the files, and what was typed. The hard
//! thing is the last: it comes in between the kernel's records, with the position at
//! which it came, since the kernel hears of it later. [Replay](crate::record) needs none
//! of this and passes over it; and a kernel in QEMU writes none.

use crate::record::{RecordWriter, Sink, tag};

/// Logs what was asked for: words of a command line, and a digest of each file that
/// the machine was given.
pub fn asked<S: Sink>(sink: &mut S, words: &[&[u8]], files: &[u128]) {
    let mut record = RecordWriter::new(sink, tag::ASKED);
    record.number(words.len() as u64);
    for word in words {
        record.string(word);
    }
    record.number(files.len() as u64);
    for file in files {
        record.bytes(&file.to_le_bytes());
    }
    record.finish();
}

/// Logs what was typed when the machine was at `position`.
pub fn typed<S: Sink>(sink: &mut S, position: u64, bytes: &[u8]) {
    let mut record = RecordWriter::new(sink, tag::TYPED);
    record.number(position);
    record.string(bytes);
    record.finish();
}
