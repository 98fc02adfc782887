//! Files that are written all, or not at all.
//!
//! The hard thing is a failure in the middle, of a disk that is full for instance: what
//! was made until then, folders included, goes away again, and nothing else does.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Files to be made, and what will be in them.
#[derive(Default)]
pub struct Files(Vec<(PathBuf, String)>);

impl Files {
    /// One more.
    pub fn add(&mut self, path: PathBuf, text: String) {
        self.0.push((path, text));
    }

    /// Makes them all, and the folders that they need. None may exist.
    pub fn write(&self) -> anyhow::Result<()> {
        let mut made = Vec::new();
        for (path, text) in &self.0 {
            let written = make(path, text, &mut made);
            if written.is_err() {
                remove(&made);
            }
            written.with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

/// Makes a file and its folders, and remembers what was made.
fn make(path: &Path, text: &str, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let folders = path.ancestors().skip(1);
    let missing: Vec<&Path> = folders
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder)?;
        made.push(folder.to_owned());
    }
    let mut file = File::create_new(path)?;
    made.push(path.to_owned());
    file.write_all(text.as_bytes())
}

/// Removes files and folders, the latest first.
fn remove(made: &[PathBuf]) {
    for path in made.iter().rev() {
        // What cannot be removed is left; the error that led here is told.
        let _ = match path.is_dir() {
            true => fs::remove_dir(path),
            false => fs::remove_file(path),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn all_or_none() {
        let scratch = Scratch::new("files");
        let inside = |path: &str| scratch.path().join(path);
        fs::write(inside("there"), "before").expect("written");
        let mut files = Files::default();
        files.add(inside("a/b/first"), "1".into());
        files.add(inside("second"), "2".into());
        files.add(inside("there"), "3".into());
        let error = files.write().expect_err("it exists");
        assert!(format!("{error:#}").contains("there: File exists"));
        let left = fs::read_dir(scratch.path()).expect("a folder").count();
        assert_eq!(left, 1);
        let kept = fs::read_to_string(inside("there")).expect("kept");
        assert_eq!(kept, "before");
        files.0.pop();
        files.write().expect("written");
        let first = fs::read_to_string(inside("a/b/first")).expect("written");
        assert_eq!(first, "1");
    }
}
