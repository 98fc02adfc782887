//! The languages that exercises are in.
//!
//! The hard thing is that the same exercise may be there in both: then its name is the same,
//! and what tells its markers apart is the folder that they are in.

use std::path::{Path, PathBuf};

/// What is to be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// The kernel, and the crate `user`.
    Rust,
    /// The library in `c/lib`.
    C,
}

impl Language {
    /// Both.
    pub const ALL: [Language; 2] = [Language::Rust, Language::C];

    /// What blocks of code in it begin with.
    pub fn fence(self) -> &'static str {
        match self {
            Language::Rust => "```rust",
            Language::C => "```c",
        }
    }

    /// Where markers can be.
    fn folders(self) -> &'static [&'static str] {
        match self {
            Language::Rust => &["kcore", "user"],
            Language::C => &["c/lib"],
        }
    }

    /// What exercises in this file of the tree are in, if there can be any.
    pub fn of(path: &Path) -> Option<Language> {
        let within = |language: &Language| {
            let mut folders = language.folders().iter();
            folders.any(|folder| path.starts_with(folder))
        };
        Language::ALL.into_iter().find(within)
    }

    /// Where the exercises of a lab are, below the lab's folder.
    pub fn exercises(self) -> &'static str {
        match self {
            Language::Rust => "",
            Language::C => "in-c",
        }
    }

    /// Where a program that only tests need belongs in the tree.
    pub fn place_of_program(file: &Path) -> PathBuf {
        let folder = match file.extension().is_some_and(|extension| extension == "c") {
            true => "c/examples",
            false => "programs/src/bin",
        };
        Path::new(folder).join(file)
    }

    /// What stands in `jostle lab new` for it.
    pub fn option(self) -> &'static str {
        match self {
            Language::Rust => "",
            Language::C => " --c",
        }
    }
}
