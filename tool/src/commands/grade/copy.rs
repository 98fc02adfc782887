//! A copy of the folder, so that the folder stays as it is.
//!
//! The hard thing is make, which goes by times: what was built must be as old
//! in the copy as it was, or it would be built again, or not be.

use std::fs::{DirBuilder, File, FileTimes, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::course::Course;
use crate::regular_file::refusal;

/// The folder in which a grading happens; gone when dropped, but for a copy that
/// the user keeps.
pub struct Workplace {
    folder: PathBuf,
    course: PathBuf,
    /// Locked as long as we live.
    _lock: File,
}

impl Workplace {
    /// Makes it and copies the folder, to `keep` if that is given.
    pub fn set_up(course: &Course, keep: Option<&Path>) -> anyhow::Result<Self> {
        let folder = make_folder()?;
        let lock = File::create(lock_in(&folder))?;
        lock.lock().context("the lock of the grading")?;
        let copy = match keep {
            Some(keep) => std::path::absolute(keep)?,
            None => folder.join("course"),
        };
        let workplace = Self {
            folder,
            course: copy,
            _lock: lock,
        };
        copy_folder(&course.root, &workplace.course)?;
        Ok(workplace)
    }

    /// The copy.
    pub fn course(&self) -> &Path {
        &self.course
    }

    /// Held until the grading is over.
    pub fn lock(&self) -> PathBuf {
        lock_in(&self.folder)
    }

    /// A further folder in it.
    pub fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// What takes it away when there is no time for dropping it.
    pub fn clearance(&self) -> impl FnOnce() + Send + use<> {
        let folder = self.folder.clone();
        move || clear(&folder)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        clear(&self.folder);
    }
}

fn lock_in(folder: &Path) -> PathBuf {
    folder.join("lock")
}

/// In a place for temporary files; nothing depends on it. Those who were just
/// told to end may still be writing.
fn clear(folder: &Path) {
    for _ in 0..20 {
        if std::fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn make_folder() -> anyhow::Result<PathBuf> {
    // One that was killed outright may have left its folder behind.
    for number in 0..100 {
        let name = format!("jostle-grade-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot make {}", folder.display()));
            }
        }
    }
    let folder = std::env::temp_dir();
    bail!("too many folders are left in {}", folder.display())
}

/// The copy is kept where nothing is yet.
pub fn check_keep(keep: &Path) -> anyhow::Result<()> {
    if keep.symlink_metadata().is_ok() {
        return Err(refusal(keep, "it exists, and is not overwritten"));
    }
    Ok(())
}

/// Copies files, folders and links; what is none of these is left out.
fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    let failed = |path: &Path| format!("cannot copy {}", path.display());
    std::fs::create_dir(to).with_context(|| failed(to))?;
    // In full before anything is written: the copy may be made inside.
    let entries: Vec<_> = std::fs::read_dir(from)
        .and_then(Iterator::collect)
        .with_context(|| failed(from))?;
    for entry in entries {
        let source = entry.path();
        if source == to {
            continue;
        }
        let target = to.join(entry.file_name());
        let metadata = entry.metadata().with_context(|| failed(&source))?;
        if metadata.is_dir() {
            copy_folder(&source, &target)?;
        } else if metadata.is_file() {
            copy_file(&source, &target, &metadata).with_context(|| failed(&source))?;
        } else if metadata.is_symlink() {
            let end = std::fs::read_link(&source)?;
            symlink(end, &target).with_context(|| failed(&source))?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path, metadata: &Metadata) -> std::io::Result<()> {
    std::fs::copy(from, to)?;
    let time = metadata.modified()?;
    // A file that may not be written can still be given a time.
    File::open(to)?.set_times(FileTimes::new().set_modified(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_copy_has_the_same_times_modes_and_links() {
        let folder = make_folder().expect("made");
        let from = folder.join("from");
        std::fs::create_dir_all(from.join("obj")).expect("made");
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let built = from.join("obj/built");
        let file = File::create(&built).expect("made");
        file.set_modified(old).expect("set");
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&built, mode(0o555)).expect("set");
        symlink("obj/built", from.join("link")).expect("made");
        let to = folder.join("to");
        copy_folder(&from, &to).expect("copied");
        let copied = to.join("obj/built").metadata().expect("there");
        assert_eq!(copied.modified().expect("known"), old);
        assert_eq!(copied.permissions().mode() & 0o777, 0o555);
        let link = std::fs::read_link(to.join("link")).expect("a link");
        assert_eq!(link, Path::new("obj/built"));
        // Into itself.
        copy_folder(&from, &from.join("kept")).expect("copied");
        assert!(from.join("kept/obj/built").is_file());
        assert!(!from.join("kept/kept").exists());
        clear(&folder);
        assert!(!folder.exists());
    }
}
