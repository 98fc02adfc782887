//! The folder for what belongs to a user and not to one checkout.
//!
//! The hard thing is two tools at once: both may find the same thing missing.
//! Whoever fetches holds a lock, and the other looks again after waiting.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::report::note;

/// `$XDG_CACHE_HOME/jostle`, else `~/.cache/jostle`, else one among the
/// temporary files that carries the user's number and is made at once.
pub fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    // The specification of these folders: a relative path counts for nothing.
    let caches = named
        .filter(|path| path.is_absolute())
        .or_else(|| Some(std::env::home_dir()?.join(".cache")));
    let ours = caches.map(|caches| caches.join("jostle"));
    ours.filter(|path| can_be_made(path)).or_else(|| {
        let user = rustix::process::geteuid().as_raw();
        let last = std::env::temp_dir().join(format!("jostle-cache-{user}"));
        // Made before it is looked at, or somebody else could make it in between.
        let _ = fs::DirBuilder::new().mode(0o700).create(&last);
        is_ours(&last).then_some(last)
    })
}

/// Whether the folder or its first existing parent lets us write.
fn can_be_made(path: &Path) -> bool {
    path.ancestors()
        .find(|folder| folder.exists())
        .is_some_and(|folder| rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok())
}

/// A name that anybody can guess must not be somebody else's folder, nor one that
/// others may write in: programs are run from it.
fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|there| {
        let user = rustix::process::geteuid().as_raw();
        there.is_dir() && there.uid() == user && there.mode() & 0o022 == 0
    })
}

/// Waits until nobody else fetches anything. The lock goes with the value.
pub fn take_turn(cache: &Path) -> anyhow::Result<File> {
    let made = fs::create_dir_all(cache).and_then(|()| File::create(cache.join("lock")));
    let lock = made.with_context(|| format!("cannot write in {}", cache.display()))?;
    match lock.try_lock() {
        Ok(()) => return Ok(lock),
        Err(TryLockError::WouldBlock) => note("waiting for another jostle that fetches something"),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    lock.lock()?;
    Ok(lock)
}

/// How many bytes the files below a folder hold.
pub fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let of_entry = |entry: fs::DirEntry| match entry.metadata() {
        Ok(there) if there.is_dir() => size(&entry.path()),
        Ok(there) => there.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of_entry).sum()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn only_one_fetches_at_a_time() {
        let scratch = Scratch::new("turn");
        let cache = scratch.file("cache");
        let first = take_turn(&cache).expect("the first turn");
        let lock = File::open(cache.join("lock")).expect("the lock");
        assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
        drop(first);
        lock.try_lock().expect("free again");
    }

    #[test]
    fn a_folder_of_somebody_else_is_not_used() {
        let scratch = Scratch::new("ours");
        let file = scratch.file("cache");
        fs::write(&file, "").expect("written");
        assert!(!is_ours(&file), "a file is no folder");
        fs::remove_file(&file).expect("removed");
        std::os::unix::fs::symlink("/", &file).expect("linked");
        assert!(!is_ours(&file), "a link may lead anywhere");
        fs::remove_file(&file).expect("removed");
        assert!(!is_ours(&file), "there is none");
        fs::create_dir(&file).expect("made");
        for (mode, ours) in [(0o700, true), (0o770, false), (0o702, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set");
            assert_eq!(is_ours(&file), ours, "{mode:o}");
        }
    }
}
