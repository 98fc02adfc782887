//! Reads a tree into memory and writes one from there.
//!
//! The hard thing is cargo, which looks at times: a file that is as it should
//! be must not be written again, or everything would be built again.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::patch::Files;

/// Folders of the root that nothing in the copy is built from. Nor is it from
/// what is hidden.
const LEFT_OUT: [&str; 4] = ["docs", "labs", "plants", "target"];

/// The files of the tree that are built from, and those beside them.
pub fn tree(root: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for (name, path) in entries(root)? {
        if !LEFT_OUT.iter().any(|&left_out| name == left_out) {
            read(&path, Path::new(&name), &mut files)?;
        }
    }
    Ok(files)
}

/// Adds what is at `from`, a file or a folder, as `to`.
pub fn read(from: &Path, to: &Path, files: &mut Files) -> anyhow::Result<()> {
    if !from.is_dir() {
        let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        files.insert(to.to_path_buf(), bytes);
        return Ok(());
    }
    for (name, path) in entries(from)? {
        read(&path, &to.join(name), files)?;
    }
    Ok(())
}

/// Makes `root` the folder of these files and no others.
pub fn write(root: &Path, files: &Files) -> anyhow::Result<()> {
    let cannot = || format!("cannot write in {}", root.display());
    fs::create_dir_all(root).with_context(cannot)?;
    // Tests in other processes want the same copy at the same time.
    let turn = File::create(root.with_extension("lock")).with_context(cannot)?;
    turn.lock().with_context(cannot)?;
    for (path, bytes) in files {
        let path = root.join(path);
        if fs::read(&path).is_ok_and(|there| there == *bytes) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(cannot)?;
        }
        fs::write(&path, bytes).with_context(cannot)?;
    }
    let mut there = Files::new();
    for (name, path) in entries(root)? {
        read(&path, Path::new(&name), &mut there)?;
    }
    for surplus in there.keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(root.join(surplus)).with_context(cannot)?;
    }
    Ok(())
}

/// What is in a folder and is not hidden.
fn entries(folder: &Path) -> anyhow::Result<Vec<(std::ffi::OsString, PathBuf)>> {
    let listed = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .with_context(|| format!("cannot read {}", folder.display()))?;
    let shown = |name: &OsStr| !name.as_encoded_bytes().starts_with(b".");
    Ok(listed
        .into_iter()
        .map(|entry| (entry.file_name(), entry.path()))
        .filter(|(name, _)| shown(name))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn only_what_changed_is_written_and_what_is_gone_is_removed() {
        let scratch = Scratch::new("copy");
        let root = scratch.file("tree");
        let mut files = Files::from([
            ("a/same".into(), b"1".to_vec()),
            ("a/other".into(), b"2".to_vec()),
            ("gone".into(), b"3".to_vec()),
        ]);
        write(&root, &files).expect("written");
        let time = |name: &str| {
            let file = fs::metadata(root.join(name)).expect("it is there");
            file.modified().expect("a time")
        };
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        for name in ["a/same", "a/other"] {
            let file = File::options().write(true).open(root.join(name));
            file.and_then(|file| file.set_modified(long_ago))
                .expect("a time");
        }
        files.insert("a/other".into(), b"4".to_vec());
        files.remove(Path::new("gone"));
        write(&root, &files).expect("written again");
        assert_eq!(time("a/same"), long_ago);
        assert_ne!(time("a/other"), long_ago);
        assert_eq!(tree(&root).expect("read back"), files);
    }
}
