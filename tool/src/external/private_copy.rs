//! Packages unpacked into a folder of ours, with a launcher for each program.
//!
//! The hard thing is that a copy must be whole or not there: it is made under
//! another name, and put in its place by a rename.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::apt::{self, Commands, Lists, Package, Plan};
use super::program::External;

/// The C library belongs to the machine's own loader, which does not start
/// programs with another one.
const NEVER_UNPACKED: &[&str] = &["libc6"];

/// The private copy of something, which may not exist.
#[derive(Debug)]
pub struct PrivateCopy<'a> {
    of: &'a External,
    folder: PathBuf,
}

impl<'a> PrivateCopy<'a> {
    /// Where it is or would be.
    pub fn of(needed: &'a External, cache: &Path) -> Self {
        Self {
            of: needed,
            folder: cache.join("copies").join(needed.setup),
        }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What starts one of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// Fetches and unpacks what the plan brings.
    pub fn make(&self, apt: &mut impl Commands, lists: &Lists, plan: &Plan) -> anyhow::Result<()> {
        let packages: Vec<Package> = plan
            .comes
            .iter()
            .filter(|package| !NEVER_UNPACKED.contains(&package.name.as_str()))
            .cloned()
            .collect();
        let new = self.folder.with_extension("new");
        // One that was interrupted may have left it behind.
        let _ = fs::remove_dir_all(&new);
        let made = self.fill(apt, lists, &packages, &new);
        if made.is_ok() {
            let old = self.folder.with_extension("old");
            let _ = fs::remove_dir_all(&old);
            let _ = fs::rename(&self.folder, &old);
            fs::rename(&new, &self.folder).context("cannot put the copy in its place")?;
            let _ = fs::remove_dir_all(&old);
        } else {
            let _ = fs::remove_dir_all(&new);
        }
        made
    }

    fn fill(
        &self,
        apt: &mut impl Commands,
        lists: &Lists,
        packages: &[Package],
        new: &Path,
    ) -> anyhow::Result<()> {
        let [files, root, bin] = ["files", "root", "bin"].map(|part| new.join(part));
        for folder in [&files, &root, &bin] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        if !lists.download(apt, packages, &files) {
            bail!("the packages could not be downloaded");
        }
        for file in fs::read_dir(&files)? {
            let file = file?.path();
            if !apt::unpack(apt, &file, &root) {
                bail!("{} could not be unpacked", file.display());
            }
        }
        fs::remove_dir_all(&files)?;
        for launcher in self.of.launchers {
            launcher.write(&root, &bin)?;
        }
        let names: Vec<String> = packages
            .iter()
            .map(|package| format!("{} {}\n", package.name, package.version))
            .collect();
        fs::write(new.join("packages"), names.concat())?;
        Ok(())
    }
}
