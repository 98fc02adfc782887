//! What a log gets when its run is over, so that what happens to the file after
//! that does not go unnoticed: a trace a check, and a record that has no end a
//! mark.
//!
//! The hard thing is a tool that was killed with its run: it has put neither.
//! Such a trace cannot be checked; such a record still has the head of the
//! memory that it was written to, and is known by that.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use witness::log_memory::{CHECK_AT, HEAD_SIZE, ITEMS};
use witness::record::{BARE_SIZE, bare, tag};

/// Seals a trace.
pub fn trace(file: &File) -> io::Result<()> {
    file.write_all_at(&check(file)?.to_le_bytes(), CHECK_AT)
}

/// Seals a record of this length, without its memory's head.
pub fn record(file: &File, len: u64) -> io::Result<()> {
    if has_end(file, len)? {
        return Ok(());
    }
    file.write_all_at(&bare(tag::CUT), len)
}

/// Whether the record in the file's first bytes has its end.
fn has_end(file: &File, len: u64) -> io::Result<bool> {
    let mut last = [0; BARE_SIZE];
    let Some(start) = len.checked_sub(BARE_SIZE as u64) else {
        return Ok(false);
    };
    file.read_exact_at(&mut last, start)?;
    Ok(last == bare(tag::END))
}

/// The check of a trace: FNV-1a over its head and its items, never 0.
fn check(file: &File) -> io::Result<u64> {
    let mut head = [0; HEAD_SIZE];
    file.read_exact_at(&mut head, 0)?;
    let mut items = file.try_clone()?;
    items.seek(SeekFrom::Start(ITEMS.into()))?;
    let mut value = add_to_check(0xcbf2_9ce4_8422_2325, &head);
    let mut items = BufReader::with_capacity(1 << 16, items);
    let mut buffer = [0; 1 << 12];
    loop {
        match items.read(&mut buffer)? {
            0 => return Ok(value.max(1)),
            count => value = add_to_check(value, &buffer[..count]),
        }
    }
}

fn add_to_check(value: u64, bytes: &[u8]) -> u64 {
    let add = |value: u64, &byte: &u8| (value ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(value, add)
}

/// Whether a trace is as its run left it; nobody can tell if the tool was killed
/// with the run.
pub fn is_undamaged(file: &File) -> io::Result<bool> {
    let mut noted = [0; 8];
    file.read_exact_at(&mut noted, CHECK_AT)?;
    let noted = u64::from_le_bytes(noted);
    Ok(noted == 0 || noted == check(file)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_damaged_trace_is_told() {
        let scratch = Scratch::new("sealed");
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        let file = options.open(scratch.file("trace")).expect("can be made");
        file.set_len(u64::from(ITEMS)).expect("writable");
        let items: Vec<u8> = (0..64).collect();
        file.write_all_at(&[7; HEAD_SIZE], 0).expect("writable");
        file.write_all_at(&items, ITEMS.into()).expect("writable");
        assert!(is_undamaged(&file).expect("readable"), "nobody can tell");
        trace(&file).expect("sealed");
        assert!(is_undamaged(&file).expect("readable"));
        let mut byte = [0];
        let item = u64::from(ITEMS);
        for at in [0, 16, 39, 40, 47, item, item + 31, item + 63] {
            file.read_exact_at(&mut byte, at).expect("readable");
            for bit in 0..8 {
                let damaged = [byte[0] ^ 1 << bit];
                file.write_all_at(&damaged, at).expect("writable");
                assert!(!is_undamaged(&file).expect("readable"), "byte {at}");
            }
            file.write_all_at(&byte, at).expect("writable");
        }
        assert!(is_undamaged(&file).expect("readable"));
    }
}
