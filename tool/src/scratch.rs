//! A folder for the files of one unit test, gone when the test is over, however it ends.
//!
//! The hard thing is that tests run at once, and another run of them too: each folder's
//! name has the process and a number.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The folder.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty one; `name` is for whoever looks at it.
    pub fn new(name: &str) -> Scratch {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("jostle-{name}-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Scratch(folder)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The test may be failing, for another reason.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn nothing_is_left_of_a_test_that_fails() {
    let scratch = Scratch::new("fails");
    let folder = scratch.path().to_owned();
    std::fs::write(scratch.file("file"), "x").expect("written");
    let failed = std::panic::catch_unwind(move || {
        let _scratch = scratch;
        std::panic::resume_unwind(Box::new("as a test does"));
    });
    assert!(failed.is_err());
    assert!(!folder.exists());
}
