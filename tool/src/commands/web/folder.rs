//! The folder that the page is written into.
//!
//! The hard thing is a folder with something else in it: nothing of it may be mixed up
//! or lost, so it is refused before anything is built.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::files::{LESSON, MACHINE, PROGRAMS, PageFile, WRITTEN};
use crate::status::usage;

/// A folder that is empty, or not there, or has a page in it.
pub struct Folder(PathBuf);

impl Folder {
    /// Refuses any other.
    pub fn check(path: &Path) -> anyhow::Result<Folder> {
        let shown = path.display();
        let folder = Folder(path.into());
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Where it cannot be made, that is said now.
                fs::create_dir(path)
                    .and_then(|()| fs::remove_dir(path))
                    .map_err(|error| usage(format_args!("cannot make {shown}: {error}")))?;
                return Ok(folder);
            }
            Err(error) => return Err(usage(format_args!("{shown}: {error}"))),
        };
        for entry in entries {
            let entry = entry.with_context(|| shown.to_string())?;
            let name = entry.file_name();
            let known = |ours: &&str| name == **ours;
            if !WRITTEN
                .iter()
                .chain(&[MACHINE, PROGRAMS, LESSON])
                .any(known)
            {
                return Err(usage(format_args!(
                    "{shown} has something else in it ({}): name an empty folder, or one that does not exist",
                    name.display()
                )));
            }
        }
        Ok(folder)
    }

    /// Writes the files.
    pub fn write(&self, files: &[PageFile]) -> anyhow::Result<()> {
        fs::create_dir_all(&self.0).with_context(|| self.0.display().to_string())?;
        for file in files {
            let path = self.0.join(&file.name);
            fs::write(&path, &file.bytes).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_folder_with_something_else_is_refused() {
        let scratch = Scratch::new("web");
        let place = scratch.file("page");
        let page = [PageFile {
            name: "index.html".into(),
            bytes: b"x".to_vec(),
        }];
        // It is not there, and asking does not make it.
        let folder = Folder::check(&place).expect("a new one");
        assert!(!place.exists());
        folder.write(&page).expect("written");
        // A page may be written again.
        assert!(Folder::check(&place).is_ok());
        fs::write(place.join("letter.txt"), "dear").expect("written");
        let refused = Folder::check(&place).err().map(|error| error.to_string());
        assert!(refused.is_some_and(|why| why.contains("letter.txt")));
        assert!(Folder::check(&scratch.file("a/b")).is_err());
    }
}
