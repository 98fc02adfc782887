//! The names of one program, for whoever asks by address or by name.
//!
//! The hard thing is a name that fits several functions, as `main` does: a debugger
//! wants them all, so nothing is decided here.

use std::path::{Path, PathBuf};

use super::table::{Frame, Table};
use super::{Place, lines, plain, shown};

/// What a program's file says about its code.
pub struct Names {
    roots: Vec<PathBuf>,
    table: Option<Table>,
}

/// A function whose code is somewhere: compiled there, or folded into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its source file, if that is known: not that of code in assembly.
    pub file: Option<String>,
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

    /// The functions whose code is at `address`, innermost first, the last one twice: by the
    /// code's file and by its own, if it has any.
    pub fn functions(&self, address: u32) -> Vec<Function> {
        let Some(table) = &self.table else {
            return Vec::new();
        };
        let of_frame = |frame: Frame| Function {
            name: plain(&frame.name.unwrap_or_default()),
            file: frame.file.map(|file| shown(&file, &self.roots)),
        };
        let frames = table.frames(address.into()).into_iter();
        let mut found: Vec<Function> = frames.map(of_frame).collect();
        // The last one's file may be that of a line that was folded in without a name; where
        // it begins, its own is known.
        if let Some((name, start)) = table.function(address.into()) {
            let own = table.frames(start).pop().and_then(|frame| frame.file);
            found.push(Function {
                name: plain(&name),
                file: own.map(|file| shown(&file, &self.roots)),
            });
        }
        found
    }

    /// From where to where the function with this symbol goes; none, if its size is not known.
    pub fn extent(&self, symbol: &str) -> Option<(u32, u32)> {
        let (start, end) = self.table.as_ref()?.extent(symbol)?;
        Some((start.try_into().ok()?, end.try_into().ok()?))
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
