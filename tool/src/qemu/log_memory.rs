//! The memories outside the machine to which it writes its logs: files.
//!
//! While the emulator runs, a file is memory that the kernel writes, most of
//! which is a hole; an empty head in it tells the kernel what it is for. The
//! hard thing is that any moment may have been the last: the head says how far
//! the log goes, and nothing behind that is looked at. When the run is over,
//! however it ended, the hole is cut off, and a record's head too. What happens
//! to the file after that must not go unnoticed: a trace gets a check, and a
//! record that has no end a mark.
//!
//! Nothing else is ever overwritten: what is there must be empty, a record or a
//! trace, and no other run may be writing to it.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use witness::log_memory::{HEAD_SIZE, Head, ITEMS, Purpose};
use witness::record::{self, bare, tag};

use crate::cli::Run;
use crate::qemu::seal;
use crate::quoting::doubled_commas;
use crate::regular_file::{self, Identity, identity, refusal};
use crate::status::usage;

/// One of them.
#[derive(Debug, Clone)]
pub struct LogMemory {
    /// What it is for.
    pub purpose: Purpose,
    /// The file; absolute.
    pub path: PathBuf,
    /// Its size while the machine runs, in MiB: a power of two.
    pub mib: u32,
}

/// No other run can write to the file while this exists.
/// It is locked while it is open.
pub struct Reserved(File);

/// Makes the files that a run will write, so that whatever is wrong with them is
/// said before anything is built or started. They are other files than those
/// that the run reads, its `inputs`.
pub fn reserve(memories: &[LogMemory], inputs: &[Identity]) -> anyhow::Result<Vec<Reserved>> {
    if let [one, other] = memories
        && one.path == other.path
    {
        return Err(usage("--record and --trace take a file each"));
    }
    let mut taken = inputs.to_vec();
    let mut reserved = Vec::new();
    for memory in memories {
        if let Ok(metadata) = std::fs::metadata(&memory.path) {
            let path = &memory.path;
            let which = identity(&metadata);
            if taken.contains(&which) {
                return Err(refusal(path, "the run needs this file for something else"));
            }
            taken.push(which);
        }
        reserved.push(memory.make()?);
    }
    Ok(reserved)
}

/// Those that a run is asked to write.
pub fn asked_for(options: &Run) -> anyhow::Result<Vec<LogMemory>> {
    // Both fit below 4 GiB at once, if there is no RAM above 3.
    let all = [
        (Purpose::Record, &options.record, 512),
        (Purpose::Trace, &options.trace, 256),
    ];
    let given = all
        .into_iter()
        .filter_map(|(purpose, path, mib)| Some((purpose, path.as_ref()?, mib)));
    given
        .map(|(purpose, path, mib)| {
            let path = std::path::absolute(path)
                .with_context(|| format!("the path {}", path.display()))?;
            Ok(LogMemory { purpose, path, mib })
        })
        .collect()
}

impl LogMemory {
    /// What QEMU calls it.
    pub fn name(&self) -> &'static str {
        self.purpose.name()
    }

    /// As QEMU's option `-object` takes it.
    pub fn object(&self) -> OsString {
        let (name, mib) = (self.name(), self.mib);
        let mut object = OsString::from(format!(
            "memory-backend-file,id={name},share=on,size={mib}M,mem-path="
        ));
        object.push(doubled_commas(self.path.as_os_str()));
        object
    }

    /// Makes the file: an empty head and a hole. What is there is replaced only
    /// if nothing is lost by that.
    pub fn make(&self) -> anyhow::Result<Reserved> {
        let path = &self.path;
        if path.exists() {
            regular_file::metadata(path)?;
        }
        let failed =
            |error: io::Error| usage(format_args!("cannot write {}: {error}", path.display()));
        let mut open = File::options();
        // Cut off only when it is known what it is.
        open.read(true).write(true).create(true).truncate(false);
        let file = open.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(refusal(path, "another run is writing to it"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        if !is_replaceable(&file).map_err(failed)? {
            let why = "it exists, is no record or trace, and is not overwritten";
            return Err(refusal(path, why));
        }
        let reserved = Reserved(file);
        self.lay_out(&reserved)?;
        Ok(reserved)
    }

    /// Leaves nothing in its file but an empty head and a hole of its size.
    pub fn lay_out(&self, reserved: &Reserved) -> anyhow::Result<()> {
        let path = self.path.display();
        self.fill(&reserved.0)
            .map_err(|error| usage(format_args!("cannot write {path}: {error}")))
    }

    fn fill(&self, file: &File) -> io::Result<()> {
        file.set_len(0)?;
        let words = Head::default().words(self.purpose);
        let head: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        file.set_len(u64::from(self.mib) << 20)?;
        file.write_all_at(&head, 0)
    }

    /// Leaves in the file what the kernel wrote: a trace with its head, a record
    /// without. Returns a remark on it, if one is needed.
    pub fn finish(&self) -> anyhow::Result<Option<String>> {
        let (path, name) = (self.path.display(), self.name());
        let head = self.cut().with_context(|| format!("cannot trim {path}"))?;
        Ok(match head {
            None => Some(format!("{path}: no {name}, the kernel wrote none")),
            Some(head) if self.purpose == Purpose::Record && head.lost > 0 => Some(format!(
                "{path}: it ends at {} MiB for want of room; {} further bytes are lost",
                self.mib, head.lost
            )),
            Some(_) => None,
        })
    }

    /// Does that; returns the head as it was. Without one that the kernel wrote,
    /// the file becomes empty.
    fn cut(&self) -> io::Result<Option<Head>> {
        let file = File::options().read(true).write(true).open(&self.path)?;
        let head = read_head(&file, self.purpose)?.filter(|head| head.hz != 0);
        let there = file.metadata()?.len().saturating_sub(ITEMS.into());
        let len = head.map(|head| head.len.min(there));
        match (len, self.purpose) {
            (None, _) => file.set_len(0)?,
            (Some(len), Purpose::Trace) => {
                file.set_len(u64::from(ITEMS) + len)?;
                seal::trace(&file)?;
            }
            (Some(len), Purpose::Record) => {
                move_down(&file, len)?;
                file.set_len(len)?;
                seal::record(&file, len)?;
            }
        }
        Ok(head)
    }
}

/// Whether the file is empty, or an earlier run's.
fn is_replaceable(file: &File) -> io::Result<bool> {
    let mut start = [0; 8];
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    match file.read_exact_at(&mut start, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        result => result?,
    }
    Ok(begins_record(&start) || start == magic(Purpose::Trace))
}

/// Whether a file that begins so is a record, with the memory's head or without.
fn begins_record(start: &[u8; 8]) -> bool {
    start.starts_with(&record::MAGIC) || *start == magic(Purpose::Record)
}

/// What a memory begins with.
fn magic(purpose: Purpose) -> [u8; 8] {
    let [low, high, ..] = purpose.words();
    (u64::from(high) << 32 | u64::from(low)).to_le_bytes()
}

/// The file's head, if it has one for this.
fn read_head(file: &File, purpose: Purpose) -> io::Result<Option<Head>> {
    let mut bytes = [0; HEAD_SIZE];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        result => result.map(|()| Head::from_bytes(&bytes, purpose).ok()),
    }
}

/// Moves `len` bytes from behind the head to the file's beginning.
fn move_down(file: &File, len: u64) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let mut at = 0;
    while at < len {
        let count = usize::try_from(len - at).map_or(buffer.len(), |left| left.min(buffer.len()));
        let piece = &mut buffer[..count];
        file.read_exact_at(piece, u64::from(ITEMS) + at)?;
        file.write_all_at(piece, at)?;
        at += count as u64;
    }
    Ok(())
}

/// Whether a path is a record's, whole or not.
pub fn is_record(path: &Path) -> bool {
    // A pipe would make whoever opens it wait.
    let regular = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let start = || {
        let mut start = [0; 8];
        let file = File::open(path)?;
        file.read_exact_at(&mut start, 0).map(|()| start)
    };
    regular && start().is_ok_and(|start| begins_record(&start))
}

/// The record in a file, also if nobody cut it: when the tool was killed too.
/// What is no record is refused.
pub fn read_record(path: &Path) -> anyhow::Result<Vec<u8>> {
    regular_file::metadata(path)?;
    let bytes = read_items(path).map_err(|error| refusal(path, error))?;
    if bytes.is_empty() {
        let why = "not a record, or one of a run that never began";
        Err(refusal(path, why))
    } else if bytes.starts_with(&record::MAGIC) {
        Ok(bytes)
    } else {
        Err(refusal(path, "not a record"))
    }
}

fn read_items(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    match read_head(&file, Purpose::Record)? {
        None => std::fs::read(path),
        Some(head) => {
            let there = file.metadata()?.len().saturating_sub(ITEMS.into());
            let mut record = vec![0; usize::try_from(head.len.min(there)).unwrap_or(0)];
            file.read_exact_at(&mut record, ITEMS.into())?;
            if !record.is_empty() && !record.ends_with(&bare(tag::END)) {
                // Nobody was left to say so.
                record.extend(bare(tag::CUT));
            }
            Ok(record)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use witness::record::BARE_SIZE;

    /// A memory in a file of the host's, and what the kernel does to it.
    fn written(scratch: &Scratch, purpose: Purpose, head: Head, items: &[u8]) -> LogMemory {
        let name = format!("{}-{}", purpose.name(), head.len);
        let memory = LogMemory {
            purpose,
            path: scratch.file(&name),
            mib: 4,
        };
        drop(memory.make().expect("can be made"));
        let file = File::options().write(true).open(&memory.path);
        let file = file.expect("is there");
        let words = head.words(purpose);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        file.write_all_at(&bytes, 0).expect("a head");
        file.write_all_at(items, ITEMS.into()).expect("items");
        memory
    }

    /// The remark, and the file's bytes before and after.
    fn finished(memory: &LogMemory) -> (Option<String>, Vec<u8>, Vec<u8>) {
        let before = read_items(&memory.path).expect("readable");
        let remark = memory.finish().expect("can be cut");
        let after = std::fs::read(&memory.path).expect("readable");
        (remark, before, after)
    }

    #[test]
    fn a_record_is_left_bare() {
        let scratch = Scratch::new("log-memory");
        let items: Vec<u8> = (0..(5 << 18) + 77_u32).map(|i| (i / 3) as u8).collect();
        let head = Head {
            hz: 1,
            len: items.len() as u64,
            lost: 0,
        };
        let (remark, before, after) = finished(&written(&scratch, Purpose::Record, head, &items));
        assert_eq!(remark, None);
        let cut = [&items[..], &bare(tag::CUT)].concat();
        assert!(before == cut && after == cut);
        let whole = [&items[..items.len() - BARE_SIZE], &bare(tag::END)].concat();
        let scratch = Scratch::new("log-memory");
        let (_, before, after) = finished(&written(&scratch, Purpose::Record, head, &whole));
        assert!(before == whole && after == whole);
    }

    #[test]
    fn a_full_record_is_remarked_upon() {
        let scratch = Scratch::new("log-memory");
        let head = Head {
            hz: 1,
            len: u64::MAX,
            lost: 5,
        };
        let (remark, _, after) = finished(&written(&scratch, Purpose::Record, head, b"abc"));
        let remark = remark.expect("something is said");
        assert!(
            remark.contains("4 MiB") && remark.contains(" 5 "),
            "{remark}"
        );
        assert_eq!(after.len(), (4 << 20) - ITEMS as usize + BARE_SIZE);
    }

    #[test]
    fn a_trace_keeps_its_head() {
        let scratch = Scratch::new("log-memory");
        let head = Head {
            hz: 1,
            len: 64,
            lost: 0,
        };
        let (remark, _, after) = finished(&written(&scratch, Purpose::Trace, head, &[7; 100]));
        assert_eq!(remark, None);
        assert_eq!(after.len(), ITEMS as usize + 64);
        assert_eq!(after.last(), Some(&7));
    }

    #[test]
    fn one_run_at_a_time() {
        let scratch = Scratch::new("log-memory");
        let memory = written(&scratch, Purpose::Trace, Head::default(), b"");
        let first = memory.make().expect("a trace may be replaced");
        let error = memory.make().err().expect("refused").to_string();
        assert!(error.ends_with("another run is writing to it"), "{error}");
        drop(first);
        memory.make().expect("the other is over");
    }

    #[test]
    fn a_memory_that_no_kernel_found() {
        let scratch = Scratch::new("log-memory");
        for purpose in [Purpose::Record, Purpose::Trace] {
            let (remark, _, after) = finished(&written(&scratch, purpose, Head::default(), b""));
            assert!(remark.expect("something is said").contains("wrote none"));
            assert!(after.is_empty());
        }
    }
}
