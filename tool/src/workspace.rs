//! Where the sources are and where what is made from them goes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The source tree that this tool was built from.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The tree around this crate. Cargo rebuilds the tool when the tree is
    /// moved, so the path it was compiled with is the right one.
    pub fn locate() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_path_buf();
        // A relative CARGO_TARGET_DIR is taken from the root, so that the
        // guest is found from whatever folder the tool is started in.
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) if !dir.is_empty() => root.join(dir),
            _ => root.join("target"),
        };
        Self { root, target }
    }

    /// The top folder, which holds the workspace's `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's folder for what is built for the host.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The copy of the tree that has planted bugs; see [`crate::plants`]. It has
    /// a target folder of its own: to cargo, the same package in both is the
    /// same thing, wherever it lies.
    pub fn planted(&self) -> Self {
        let target = self.target.join("planted");
        let root = target.join("tree");
        Self { root, target }
    }

    /// The copy of the tree that labs are checked in; see [`crate::labs`].
    pub fn labs(&self) -> Self {
        let target = self.target.join("labs");
        let root = target.join("tree");
        Self { root, target }
    }

    /// Why nothing can be built, if it is because cargo's folder, or the one that
    /// it would be made in, cannot be written.
    pub fn cannot_write(&self) -> Option<io::Error> {
        let probe = self.target.join(format!("probe-{}", std::process::id()));
        let tried = fs::create_dir_all(&self.target)
            .and_then(|()| File::create_new(&probe))
            .and_then(|_| fs::remove_file(&probe));
        tried.err()
    }

    /// The set-up script, which can install what is missing.
    pub fn script(&self) -> PathBuf {
        self.root.join("jostle")
    }

    /// Where the sources of our own programs are, one file each.
    pub fn program_sources(&self) -> PathBuf {
        self.root.join("programs/src/bin")
    }

    /// Where our programs in C are, one file each.
    pub fn c_examples(&self) -> PathBuf {
        self.root.join("c/examples")
    }
}
