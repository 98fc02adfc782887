//! A folder for the files of one case, gone when the case is over, however it ends.

use std::path::PathBuf;

/// The folder.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty one; `name` tells it from those of other cases.
    pub fn new(name: &str) -> std::io::Result<Scratch> {
        let name = format!("jostle-{name}-{}", std::process::id());
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
