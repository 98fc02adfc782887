//! The simulated machine's disk, and the file that it stands for.
//!
//! The file is read once. The hard thing is when to write it: what the guest has
//! written must be there whenever the run is stopped, as it is with QEMU. So changed
//! sectors go out between two rounds of the machine, before the console's output that
//! may speak of them.

use std::fs::{File, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use pc::ide::{Ide, SECTOR};

use crate::cli::Simulate;
use crate::regular_file::refusal;

/// The largest image that is held in memory, in MiB.
const LARGEST_MIB: u64 = 1024;

/// Where changed sectors go.
pub struct Image {
    path: PathBuf,
    file: File,
    /// Whether they go anywhere.
    remembers: bool,
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

/// The disk that is asked for, if any. As long as the image is held, no other
/// simulated machine can write to the file.
pub fn open(options: &Simulate) -> anyhow::Result<Option<(Ide, Image)>> {
    let Some(path) = &options.disk else {
        return Ok(None);
    };
    let file = File::options()
        .read(true)
        .write(!options.snapshot)
        .open(path)
        .map_err(|error| refusal(path, error))?;
    let locked = if options.snapshot {
        file.try_lock_shared()
    } else {
        file.try_lock()
    };
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(refusal(path, "another run has this disk")),
        Err(TryLockError::Error(error)) => return Err(refusal(path, error)),
    }
    let bytes = std::fs::read(path).map_err(|error| refusal(path, error))?;
    let image = Image {
        path: path.clone(),
        file,
        remembers: !options.snapshot,
    };
    Ok(Some((Ide::new(bytes.into()), image)))
}

impl Image {
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
