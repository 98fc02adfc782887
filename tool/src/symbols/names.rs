//! The names of one program, for whoever asks by address or by name.
//!
//! The hard thing is a name that fits several functions, as `main` does: a debugger
//! wants them all, so nothing is decided here.

use std::path::{Path, PathBuf};

use super::table::Table;
use super::{Place, lines};

/// What a program's file says about its code.
pub struct Names {
    roots: Vec<PathBuf>,
    table: Option<Table>,
}

impl Names {
    /// Reads the file. Paths below one of `roots` are shown without it.
    pub fn read(roots: Vec<PathBuf>, file: &Path) -> Names {
        Names {
            roots,
            table: Table::read(file),
        }
    }

    /// A line for each function whose code is at `address`, innermost first; the last
    /// with an offset. None, if nothing is known.
    pub fn at(&self, address: u32) -> Vec<String> {
        let table = self.table.as_ref();
        let found = table.and_then(|table| lines(table, &self.roots, Place::At(address)));
        let found = found.unwrap_or_default();
        found.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// Where functions of this name begin, or the code of a line: `FILE:LINE`.
    pub fn addresses(&self, name: &str) -> Vec<u32> {
        let Some(table) = &self.table else {
            return Vec::new();
        };
        let line = name
            .rsplit_once(':')
            .and_then(|(file, line)| Some((file, line.parse().ok()?)));
        let found = match line {
            Some((file, line)) => table.starts_of_line(file, line),
            None => table.starts_of(name),
        };
        found
            .into_iter()
            .filter_map(|address| u32::try_from(address).ok())
            .collect()
    }
}
