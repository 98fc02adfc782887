//! The functions and lines of one ELF file.
//!
//! The hard thing is to believe nothing: the file may be anybody's program.
//! Whatever cannot be read is as if it were not there.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::stabs::{Stabs, is_file};
use addr2line::Context;
use elf::ElfBytes;
use elf::abi::{STT_FUNC, STT_NOTYPE};
use elf::endian::LittleEndian as Little;
use gimli::{Dwarf, EndianArcSlice, LittleEndian, SectionId};

type Bytes = EndianArcSlice<LittleEndian>;

/// What is known about a file's code.
pub struct Table {
    /// Sorted by address.
    functions: Vec<Function>,
    /// Where the file's last segment ends, which functions without a size do not reach
    /// beyond.
    end: u64,
    /// Lines, and what was inlined where.
    lines: Option<Context<Bytes>>,
    /// Lines, where a file has the older kind.
    stabs: Stabs,
}

struct Function {
    start: u64,
    /// In bytes; 0 if the file does not say.
    size: u64,
    name: String,
}

/// A function that was folded into another, or the one it was folded into.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its name in the source, if that is known.
    pub name: Option<String>,
    /// File and line of the code in it, if that is known.
    pub line: Option<(String, u32)>,
    /// Its file, which is known of more code: the compiler leaves out lines that would
    /// mislead a debugger.
    pub file: Option<String>,
}

impl Table {
    /// Reads the file; `None` if it is no ELF file with symbols.
    pub fn read(path: &Path) -> Option<Self> {
        let image = std::fs::read(path).ok()?;
        let file = ElfBytes::<Little>::minimal_parse(&image).ok()?;
        let (symbols, names) = file.symbol_table().ok()??;
        let mut functions: Vec<Function> = symbols
            .iter()
            // Code written in assembly often has no type.
            .filter(|symbol| [STT_FUNC, STT_NOTYPE].contains(&symbol.st_symtype()))
            .filter(|symbol| !symbol.is_undefined())
            .filter_map(|symbol| {
                Some(Function {
                    start: symbol.st_value,
                    size: symbol.st_size,
                    name: names.get(symbol.st_name as usize).ok()?.to_owned(),
                })
            })
            .collect();
        functions.sort_by_key(|function| function.start);
        let segments = file.segments().into_iter().flatten();
        let ends = segments.map(|segment| segment.p_vaddr.saturating_add(segment.p_memsz));
        let end = ends.max().unwrap_or(0);
        let dwarf = Dwarf::load(|section| Ok::<_, gimli::Error>(bytes(&file, section)));
        Some(Self {
            functions,
            end,
            stabs: Stabs::read(&file),
            lines: dwarf.and_then(Context::from_dwarf).ok(),
        })
    }

    /// The function in which `address` is, and where that begins.
    pub fn function(&self, address: u64) -> Option<(Cow<'_, str>, u64)> {
        let after = self
            .functions
            .partition_point(|function| function.start <= address);
        let function = self.functions.get(..after)?.last()?;
        let end = match function.size {
            0 => self.end,
            size => function.start + size,
        };
        let inside = address < end;
        let name = addr2line::demangle_auto(Cow::from(function.name.as_str()), None);
        inside.then_some((name, function.start))
    }

    /// Where the function with this symbol begins and ends.
    pub fn extent(&self, symbol: &str) -> Option<(u64, u64)> {
        let found = self
            .functions
            .iter()
            .find(|function| function.name == symbol)?;
        (found.size > 0).then_some((found.start, found.start + found.size))
    }

    /// Where the functions begin that this name fits: the whole of it, or its last parts.
    pub fn starts_of(&self, name: &str) -> Vec<u64> {
        let demangled = |function: &Function| {
            addr2line::demangle_auto(Cow::from(function.name.as_str()), None).into_owned()
        };
        let found = self
            .functions
            .iter()
            .filter(|function| fits(&demangled(function), name));
        let mut starts: Vec<u64> = found.map(|function| function.start).collect();
        starts.dedup();
        match starts.is_empty() {
            true => self.starts_of_inlined(name),
            false => starts,
        }
    }

    /// Where the code of functions begins that were folded into others.
    fn starts_of_inlined(&self, name: &str) -> Vec<u64> {
        let lines = self.lines.as_ref();
        let ranges = lines.map(|lines| lines.find_location_range(0, u64::from(u32::MAX)));
        let Some(Ok(ranges)) = ranges else {
            return Vec::new();
        };
        let mut starts = Vec::new();
        let mut inside = false;
        for (start, _, _) in ranges {
            let frames = self.frames(start);
            let mut names = frames.iter().filter_map(|frame| frame.name.as_ref());
            let was_inside = std::mem::replace(&mut inside, names.any(|found| fits(found, name)));
            if inside && !was_inside {
                starts.push(start);
            }
        }
        starts
    }

    /// Where the code of a source line begins, in every place that has some; `file` may
    /// be the last parts of its path.
    pub fn starts_of_line(&self, file: &str, line: u32) -> Vec<u64> {
        let mut starts = self.stabs.starts(file, line);
        let lines = self.lines.as_ref();
        let ranges = lines.map(|lines| lines.find_location_range(0, u64::from(u32::MAX)));
        let Some(Ok(ranges)) = ranges else {
            return starts;
        };
        let mut end = 0;
        for (start, length, location) in ranges {
            let is_file = location.file.is_some_and(|path| is_file(path, file));
            // One line is often several ranges in a row.
            if is_file && location.line == Some(line) {
                if start != end {
                    starts.push(start);
                }
                end = start + length;
            }
        }
        starts
    }

    /// The functions whose code is at `address`, innermost first: all but the
    /// last were inlined.
    pub fn frames(&self, address: u64) -> Vec<Frame> {
        let found = self.lines.as_ref().map(|lines| lines.find_frames(address));
        let Some(Ok(mut found)) = found.map(|found| found.skip_all_loads()) else {
            return self.frame_of_stabs(address);
        };
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = found.next() {
            let name = frame.function.as_ref();
            let file = frame.location.as_ref().and_then(|location| location.file);
            let file = file.map(str::to_owned);
            let line = frame.location.and_then(|location| location.line);
            frames.push(Frame {
                name: name.and_then(|name| Some(name.demangle().ok()?.into_owned())),
                line: file.clone().zip(line),
                file,
            });
        }
        match frames.is_empty() {
            true => self.frame_of_stabs(address),
            false => frames,
        }
    }

    /// The function whose code is at `address`, if stabs tell.
    fn frame_of_stabs(&self, address: u64) -> Vec<Frame> {
        let function = self.function(address);
        let line = function.and_then(|(_, start)| self.stabs.line(start, address));
        let frame = line.map(|line| Frame {
            name: None,
            file: Some(line.0.clone()),
            line: Some(line),
        });
        frame.into_iter().collect()
    }
}

/// Whether a name is the whole of a function's, or its last parts.
fn fits(whole: &str, name: &str) -> bool {
    let before = whole.strip_suffix(name);
    before.is_some_and(|before| before.is_empty() || before.ends_with("::"))
}

/// The contents of a section; nothing if there is none.
fn bytes(file: &ElfBytes<'_, Little>, section: SectionId) -> Bytes {
    let header = file.section_header_by_name(section.name());
    let data = header
        .ok()
        .flatten()
        .and_then(|header| file.section_data(&header).ok())
        // Nobody compresses what is built for a guest.
        .filter(|(_, compression)| compression.is_none())
        .map(|(data, _)| data);
    Bytes::new(Arc::from(data.unwrap_or_default()), LittleEndian)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let function = |start, size, name: &str| Function {
            start,
            size,
            name: name.to_owned(),
        };
        Table {
            functions: vec![
                function(0x1000, 0x10, "a::first"),
                function(0x1020, 0, "in_assembly"),
            ],
            end: 0x1040,
            lines: None,
            stabs: Stabs::default(),
        }
    }

    #[test]
    fn a_function_goes_from_its_first_byte_to_its_last() {
        let table = table();
        let name = |address| table.function(address).map(|(name, _)| name.into_owned());
        assert_eq!(name(0xfff), None);
        assert_eq!(name(0x1000).as_deref(), Some("a::first"));
        assert_eq!(name(0x100f).as_deref(), Some("a::first"));
        assert_eq!(name(0x1010), None);
        // Without a size, to the end of the file.
        assert_eq!(name(0x103f).as_deref(), Some("in_assembly"));
        assert_eq!(name(0x1040), None);
    }

    #[test]
    fn a_name_is_whole_or_the_last_parts() {
        let table = table();
        assert_eq!(table.starts_of("first"), [0x1000]);
        assert_eq!(table.starts_of("a::first"), [0x1000]);
        assert!(table.starts_of("irst").is_empty());
    }

    /// A call may be the last instruction of its function.
    #[test]
    fn a_call_is_before_where_it_returns_to() {
        let told = |place| crate::symbols::lines(&table(), &[], place);
        let expected = "         a::first+16\n";
        let at = crate::symbols::Place::ReturnTo(0x1010);
        assert_eq!(told(at).as_deref(), Some(expected));
        assert_eq!(told(crate::symbols::Place::At(0x1010)), None);
    }
}
