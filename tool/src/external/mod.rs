//! Programs of others that some commands need: found, or obtained on first use.
//!
//! The hard thing is that nothing of the machine's may be changed against its
//! owner's will. So there is a ladder, and the first rung that holds is taken:
//! what the search path has; a package that the distribution installs beside
//! everything else; the same packages unpacked into a folder of ours, which
//! takes no rights and touches nothing; a line that says what to do.

mod apt;
pub mod cache;
mod launcher;
mod obtain;
mod private_copy;
mod program;
mod release;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

pub use self::program::{ALL, BOCHS, BROWSER, External, GDB, GRUB, QEMU};
pub use self::release::first_line;

use self::private_copy::PrivateCopy;
use crate::report::note;

/// A program that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its path.
    pub path: PathBuf,
    /// What its command line begins with.
    pub arguments: Vec<OsString>,
    /// It is a private copy, and this is its folder.
    pub private: Option<PathBuf>,
}

impl External {
    /// The installed one, else the private copy.
    pub fn find(&self) -> Option<Found> {
        self.installed(true).or_else(|| self.private())
    }

    /// The same, but only under its own name.
    pub fn find_exactly(&self) -> Option<Found> {
        self.installed(false).or_else(|| self.private())
    }

    /// Found, or obtained in the first way that works.
    pub fn find_or_obtain(&self) -> anyhow::Result<Found> {
        match self.find() {
            Some(found) => Ok(found),
            None => self.obtain(),
        }
    }

    /// Found under its own name, or obtained.
    pub fn find_or_obtain_exactly(&self) -> anyhow::Result<Found> {
        match self.find_exactly() {
            Some(found) => Ok(found),
            None => self.obtain(),
        }
    }

    /// A private copy made now, whatever is installed.
    pub fn unpack(&self) -> anyhow::Result<Found> {
        self.fetch(|apt, cache| obtain::unpack(self, apt, cache))?;
        self.private().ok_or_else(|| self.useless())
    }

    fn obtain(&self) -> anyhow::Result<Found> {
        note(format_args!(
            "{} is not installed{}",
            self.name,
            self.too_old()
        ));
        self.fetch(|apt, cache| {
            // It may have come while we waited for our turn.
            if self.find_exactly().is_some() {
                return Ok(());
            }
            let rights = apt.rights();
            obtain::obtain(self, apt, rights, cache)
        })?;
        self.find_exactly().ok_or_else(|| self.useless())
    }

    /// Has something fetched by whoever may do so at this moment.
    fn fetch(
        &self,
        how: impl FnOnce(&mut apt::System, &Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let (Some(mut apt), Some(cache)) = (apt::System::find(), cache::folder()) else {
            bail!("{} is missing: {}", self.name, self.remedy);
        };
        let _turn = cache::take_turn(&cache)?;
        if let Err(reason) = how(&mut apt, &cache) {
            bail!("{} is missing: {reason:#}; {}", self.name, self.remedy);
        }
        Ok(())
    }

    fn useless(&self) -> anyhow::Error {
        anyhow!(
            "{} was fetched but does not start{}; {}",
            self.name,
            self.too_old(),
            self.remedy
        )
    }

    /// A remark on what the search path has, if that is too old.
    fn too_old(&self) -> String {
        let Some((major, minor)) = self.oldest else {
            return String::new();
        };
        self.in_path(true)
            .find_map(|path| release::of(&path))
            .map_or_else(String::new, |found| {
                format!(" in release {major}.{minor} or later (there is {found})")
            })
    }

    /// Candidates in the search path.
    fn in_path(&self, other_names: bool) -> impl Iterator<Item = PathBuf> {
        let others = if other_names { self.also } else { &[] };
        std::iter::once(&self.name)
            .chain(others)
            .flat_map(|name| which::which_all(name).into_iter().flatten())
    }

    fn installed(&self, other_names: bool) -> Option<Found> {
        let others = self.others.iter().all(|other| which::which(other).is_ok());
        let folder = self.folder.is_none_or(|folder| Path::new(folder).is_dir());
        if !others || !folder {
            return None;
        }
        let path = self
            .in_path(other_names)
            .find(|path| self.is_recent(path))?;
        let name = path.file_name()?.to_str()?.to_owned();
        Some(Found {
            arguments: (self.arguments)(&name),
            path,
            private: None,
        })
    }

    fn private(&self) -> Option<Found> {
        let copy = PrivateCopy::of(self, &cache::folder()?);
        let path = copy.program(self.name);
        let starts = path.exists() && first_line(&path, &["--version"]).is_some();
        (starts && self.is_recent(&path)).then(|| Found {
            path,
            arguments: Vec::new(),
            private: Some(copy.folder().to_path_buf()),
        })
    }

    fn is_recent(&self, path: &Path) -> bool {
        self.oldest.is_none_or(|oldest| {
            release::of(path).is_some_and(|release| (release.major, release.minor) >= oldest)
        })
    }
}

impl Found {
    /// The first line of what it says about its version.
    pub fn version(&self) -> Option<String> {
        first_line(&self.path, &["--version"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: External = External {
        name: "sh",
        others: &["ls"],
        folder: Some("/"),
        setup: "no-such-copy",
        ..GDB
    };

    #[test]
    fn all_parts_must_be_there() {
        assert!(SHELL.find().is_some());
        let parts: [External; 3] = [
            External {
                name: "no-such-program",
                ..SHELL
            },
            External {
                others: &["ls", "no-such-program"],
                ..SHELL
            },
            External {
                folder: Some("/no/such/folder"),
                ..SHELL
            },
        ];
        assert!(parts.iter().all(|part| part.find().is_none()));
    }

    #[test]
    fn another_name_serves_unless_the_exact_one_is_asked_for() {
        let other = External {
            name: "no-such-program",
            also: &["sh"],
            arguments: |name| vec![name.into()],
            ..SHELL
        };
        assert_eq!(other.find().expect("sh").arguments, ["sh"]);
        assert!(other.find_exactly().is_none());
    }

    #[test]
    fn a_program_of_unknown_age_is_too_old() {
        let aged = External {
            oldest: Some((6, 2)),
            ..SHELL
        };
        assert!(aged.find().is_none());
    }
}
