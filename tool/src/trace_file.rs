//! Reading a trace: the file that `run --trace` leaves.
//!
//! The hard thing is that it may be of a run that was killed, or no trace at
//! all: the head says how far the records go, and nothing behind that is looked
//! at.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::Context;
use witness::log_memory::{BadHead, HEAD_SIZE, Head, ITEMS, Purpose};
use witness::trace::{RECORD_SIZE, Record};

use crate::qemu::seal;
use crate::regular_file::{self, refusal};

/// A trace, from its beginning.
pub struct Trace {
    /// The clock, and how much there is.
    pub head: Head,
    records: BufReader<File>,
    left: u64,
}

fn read_head(file: &mut File) -> std::io::Result<Result<Head, BadHead>> {
    let mut bytes = [0; HEAD_SIZE];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut bytes)?;
    Ok(Head::from_bytes(&bytes, Purpose::Trace))
}

impl Trace {
    /// Opens a trace; what is wrong with the file is said in one line.
    pub fn open(path: &Path) -> anyhow::Result<Trace> {
        let refuse = |why: &dyn std::fmt::Display| refusal(path, why);
        regular_file::metadata(path)?;
        let mut file = File::open(path).map_err(|error| refuse(&error))?;
        let head = match read_head(&mut file) {
            Ok(Ok(head)) => head,
            Ok(Err(BadHead::Version(version))) => {
                return Err(refuse(&format_args!(
                    "a trace in another format ({version})"
                )));
            }
            Ok(Err(BadHead::Foreign)) => return Err(refuse(&"not a trace")),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(refuse(&"not a trace, or one of a run that never began"));
            }
            Err(error) => return Err(refuse(&error)),
        };
        let there = file.metadata().map_err(|error| refuse(&error))?.len();
        if u64::from(ITEMS).saturating_add(head.len) > there {
            return Err(refuse(&format_args!(
                "truncated: of {} bytes of records only {} are there",
                head.len,
                there.saturating_sub(u64::from(ITEMS))
            )));
        }
        if head.hz == 0 {
            return Err(refuse(&"damaged: the clock stands still"));
        }
        if !seal::is_undamaged(&file).map_err(|error| refuse(&error))? {
            return Err(refuse(&"damaged: its check does not agree"));
        }
        file.seek(SeekFrom::Start(ITEMS.into()))
            .map_err(|error| refuse(&error))?;
        Ok(Trace {
            head,
            records: BufReader::with_capacity(1 << 16, file),
            left: head.len / RECORD_SIZE as u64,
        })
    }

    /// How many records there are from here on.
    pub fn left(&self) -> u64 {
        self.left
    }

    fn next_record(&mut self) -> anyhow::Result<Record> {
        let mut bytes = [0; RECORD_SIZE];
        self.records.read_exact(&mut bytes)?;
        let mut words = [0; RECORD_SIZE / 4];
        for (word, four) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*four);
        }
        Record::from_words(words).context("damaged: a record that is none")
    }
}

impl Iterator for Trace {
    type Item = anyhow::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.next_record())
    }
}
