//! The programs in the archive.
//!
//! It is a tar file: `bin/NAME` for each, and `programs`, a text with a line for
//! each, its name, a tab and what it does. The hard thing is only that there may
//! be none, or that it is none: then there are no programs.

use alloc::format;
use alloc::vec::Vec;

use tar_no_std::TarArchiveRef;
use user::archive;

/// One program.
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// The ELF file.
    pub image: &'static [u8],
}

/// All programs, by name.
pub struct Programs(Vec<Program>);

impl Programs {
    /// Looks into the archive.
    pub fn find() -> Programs {
        let Ok(archive) = TarArchiveRef::new(archive::bytes()) else {
            return Programs(Vec::new());
        };
        let list = file(&archive, "programs").unwrap_or_default();
        let lines = str::from_utf8(list).unwrap_or_default().lines();
        let programs = lines.filter_map(|line| {
            let (name, what) = line.split_once('\t')?;
            let image = file(&archive, &format!("bin/{name}"))?;
            Some(Program { name, what, image })
        });
        Programs(programs.collect())
    }

    /// All of them.
    pub fn all(&self) -> &[Program] {
        &self.0
    }

    /// The one with this name.
    pub fn named(&self, name: &str) -> Option<&Program> {
        self.0.iter().find(|program| program.name == name)
    }
}

/// A file of the archive.
fn file(archive: &TarArchiveRef<'static>, path: &str) -> Option<&'static [u8]> {
    let mut entries = archive.entries();
    let entry = entries.find(|entry| entry.filename().as_str() == Ok(path))?;
    Some(entry.data())
}
