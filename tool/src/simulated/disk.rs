//! The simulated machine's disk, and the file that it stands for.
//!
//! The file is read once. The hard thing is when to write it: what the guest has
//! written must be there whenever the run is stopped, as it is with QEMU. So changed
//! sectors go out between two rounds of the machine, before the console's output that
//! may speak of them.

use std::fs::{File, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use pc::ide::{Ide, SECTOR};

use crate::regular_file::refusal;

/// The largest image that is held in memory, in MiB.
const LARGEST_MIB: u64 = 1024;

/// A disk's file, and what was in it.
pub struct Image {
    path: PathBuf,
    file: File,
    /// Whether changed sectors go anywhere.
    remembers: bool,
    contents: Arc<[u8]>,
}

/// Says whether the simulated machine has room for this disk.
pub fn check(path: &Path) -> anyhow::Result<()> {
    // A file that is not there, or odd, was found before.
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > LARGEST_MIB << 20 => Err(refusal(
            path,
            format_args!("the simulated machine's disks have up to {LARGEST_MIB} MiB; QEMU's more"),
        )),
        _ => Ok(()),
    }
}

impl Image {
    /// Reads the file. As long as the image is held, no other simulated machine can
    /// write to it; nor can this one, if it is a `snapshot`.
    pub fn open(path: &Path, snapshot: bool) -> anyhow::Result<Image> {
        let file = File::options()
            .read(true)
            .write(!snapshot)
            .open(path)
            .map_err(|error| refusal(path, error))?;
        let locked = if snapshot {
            file.try_lock_shared()
        } else {
            file.try_lock()
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(refusal(path, "another run has this disk"));
            }
            Err(TryLockError::Error(error)) => return Err(refusal(path, error)),
        }
        let bytes = std::fs::read(path).map_err(|error| refusal(path, error))?;
        Ok(Image {
            path: path.to_owned(),
            file,
            remembers: !snapshot,
            contents: bytes.into(),
        })
    }

    /// What was in the file.
    pub fn contents(&self) -> Arc<[u8]> {
        Arc::clone(&self.contents)
    }

    /// Writes the sectors that have changed since the last time.
    pub fn write(&self, disk: &mut Ide) -> anyhow::Result<()> {
        if !self.remembers {
            return Ok(());
        }
        let mut result = Ok(());
        disk.contents.take_written(|number, sector| {
            let place = u64::from(number) * SECTOR as u64;
            if result.is_ok() {
                result = self.file.write_all_at(sector, place);
            }
        });
        result.with_context(|| self.path.display().to_string())
    }
}
