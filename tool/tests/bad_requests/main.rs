//! Wrong requests: one clear line on standard error, status 2, and nothing
//! built or started.
//!
//! The hard thing is what is left behind by a test that fails: its files are gone
//! however it ends.

mod files;
mod help;
mod options;
mod programs;
mod simulated;
mod tool;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn jostle(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(words)
        .output()
        .expect("the tool starts")
}

/// Asserts the refusal and returns its line.
fn refused(words: &[&str]) -> String {
    let output = jostle(words);
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
    assert_eq!(output.stdout, b"", "{words:?}");
    assert_eq!(stderr.lines().count(), 1, "{words:?}: {stderr}");
    assert!(stderr.starts_with("jostle: "), "{words:?}: {stderr}");
    stderr
}

/// A file or folder that is gone when the test is over.
struct Scratch(PathBuf);

impl Scratch {
    /// A file; `name` is of no other test.
    fn new(name: &str, contents: &[u8]) -> Self {
        let scratch = Self::nothing(name);
        std::fs::write(&scratch.0, contents).expect("written");
        scratch
    }

    /// Nothing yet.
    fn nothing(name: &str) -> Self {
        let name = format!("jostle-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }

    fn as_path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The test may be failing, for another reason.
        let _ = match self.0.is_dir() {
            true => std::fs::remove_dir_all(&self.0),
            false => std::fs::remove_file(&self.0),
        };
    }
}
