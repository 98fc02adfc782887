//! A socket for gdb that nobody else can reach.
//!
//! The hard thing is to leave nothing behind, and not to stumble over what a tool that
//! was killed left: its folder.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Where gdb is listened for: in a folder of its own that nobody else may
/// enter, since whoever connects rules the machine. Gone when dropped.
pub struct Socket {
    folder: PathBuf,
    path: PathBuf,
}

impl Socket {
    /// Makes the folder. It is in the system's place for temporary files: the
    /// path of a socket has a limit, about 100 bytes.
    pub fn new() -> anyhow::Result<Self> {
        // One that was killed outright may have left its folder behind.
        for number in 0..100 {
            let name = format!("jostle-gdb-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let what = format!("cannot make the folder {}", folder.display());
                    return Err(error).context(what);
                }
                Ok(()) => {
                    let path = folder.join("socket");
                    return Ok(Self { folder, path });
                }
            }
        }
        bail!(
            "too many folders are left in {}",
            std::env::temp_dir().display()
        )
    }

    /// Writes a file beside it, and returns where that is.
    pub fn beside(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // In a place for temporary files; nothing depends on it.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
