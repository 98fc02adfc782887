//! Files that are asked about before they are opened.
//!
//! Opening a pipe waits for its other end, and a device may have no end: what
//! the tool reads whole, or overwrites, must be a regular file.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::status::usage;

/// Which file it is, whatever its path: device and inode.
pub type Identity = (u64, u64);

/// A refusal of the file at `path`: one line, status 2.
pub fn refusal(path: &Path, why: impl std::fmt::Display) -> anyhow::Error {
    usage(format_args!("{}: {why}", path.display()))
}

/// What is known about the regular file at `path`; anything else is refused.
pub fn metadata(path: &Path) -> anyhow::Result<Metadata> {
    let metadata = std::fs::metadata(path).map_err(|error| refusal(path, error))?;
    if metadata.is_file() {
        Ok(metadata)
    } else {
        Err(refusal(path, "not a regular file"))
    }
}

/// Which file this is.
pub fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}
