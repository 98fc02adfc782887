//! A folder for the files of one case, gone when the case is over, however it ends.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The folder.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty one; `name` is for whoever looks at it. Cases run side by side, and two may
    /// have the same name for theirs.
    pub fn new(name: &str) -> std::io::Result<Scratch> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let name = format!("jostle-{name}-{}-{number}", std::process::id());
        let scratch = Scratch(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&scratch.0)?;
        Ok(scratch)
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// As [`Scratch::file`], as text.
    pub fn path(&self, name: &str) -> Result<String, &'static str> {
        let path = self.file(name).into_os_string().into_string();
        path.map_err(|_| "the folder's name is not text")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whatever is wrong with the folder, the case has said more.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
