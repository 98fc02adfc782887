//! Lines and files from stabs, which is what JOS's programs are built with.
//!
//! A stab is twelve bytes: a string, a kind, a number and a value. Those of a function
//! follow each other, and its lines count from where it begins. The hard thing is, as
//! with every file of somebody else's, to believe nothing. (The format: "The stabs debug
//! format", the manual that came with gdb.)

use elf::ElfBytes;
use elf::endian::LittleEndian as Little;

/// Bytes of a stab.
const SIZE: usize = 12;
/// A function: its name, and where it begins; without a name, the end of one.
const FUNCTION: u8 = 0x24;
/// A line, and how far into the function its code begins.
const LINE: u8 = 0x44;
/// A source file, in one or two parts; without a name, the end of one.
const SOURCE: u8 = 0x64;
/// A file that is included.
const INCLUDED: u8 = 0x84;

/// Where the code of a line begins.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    start: u64,
    file: usize,
    line: u32,
}

/// The lines of a file.
#[derive(Debug, Default)]
pub struct Stabs {
    files: Vec<String>,
    /// Sorted by address.
    lines: Vec<Line>,
}

impl Stabs {
    /// Reads those of an ELF file; there may be none.
    pub fn read(file: &ElfBytes<'_, Little>) -> Stabs {
        let section = |name: &str| {
            let header = file.section_header_by_name(name).ok()??;
            file.section_data(&header).ok().map(|(bytes, _)| bytes)
        };
        match (section(".stab"), section(".stabstr")) {
            (Some(stabs), Some(strings)) => Stabs::of(stabs, strings),
            _ => Stabs::default(),
        }
    }

    fn of(stabs: &[u8], strings: &[u8]) -> Stabs {
        let mut read = Stabs::default();
        let (mut folder, mut function) = (String::new(), 0);
        for stab in stabs.as_chunks::<SIZE>().0 {
            let word = |at: usize| {
                u32::from_le_bytes([stab[at], stab[at + 1], stab[at + 2], stab[at + 3]])
            };
            let text = text(strings, word(0));
            let value = word(8);
            match stab[4] {
                SOURCE if text.ends_with('/') => folder = text.to_owned(),
                SOURCE if text.is_empty() => folder.clear(),
                SOURCE | INCLUDED if text.starts_with('/') => read.files.push(text.to_owned()),
                SOURCE | INCLUDED => read.files.push(format!("{folder}{text}")),
                FUNCTION if !text.is_empty() => function = value,
                LINE if !read.files.is_empty() => read.lines.push(Line {
                    start: function.wrapping_add(value).into(),
                    file: read.files.len() - 1,
                    line: u16::from_le_bytes([stab[6], stab[7]]).into(),
                }),
                _ => {}
            }
        }
        read.lines.sort_by_key(|line| line.start);
        read
    }

    /// Where the code of a line begins; `file` may be the last parts of its path.
    pub fn starts(&self, file: &str, line: u32) -> Vec<u64> {
        let wanted = |found: &&Line| found.line == line && is_file(&self.files[found.file], file);
        let found = self.lines.iter().filter(wanted);
        let mut starts: Vec<u64> = found.map(|found| found.start).collect();
        starts.dedup();
        starts
    }

    /// The file and line of the code at an address between `function`, where its function
    /// begins, and there.
    pub fn line(&self, function: u64, address: u64) -> Option<(String, u32)> {
        let after = self.lines.partition_point(|line| line.start <= address);
        let found = self.lines.get(..after)?.last()?;
        let inside = found.start >= function;
        inside.then(|| (self.files[found.file].clone(), found.line))
    }
}

/// Whether a path is this file, or ends with it.
pub fn is_file(path: &str, file: &str) -> bool {
    let before = path.strip_suffix(file);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The string at this place, up to its end; an empty one where there is none.
fn text(strings: &[u8], at: u32) -> &str {
    let rest = strings.get(at as usize..).unwrap_or_default();
    let text = rest.split(|&byte| byte == 0).next().unwrap_or_default();
    str::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRINGS: &[u8] = b"\0/src/\0a.c\0main:F(0,1)\0b.h\0";

    fn stab(text: u32, kind: u8, line: u16, value: u32) -> Vec<u8> {
        let mut bytes = text.to_le_bytes().to_vec();
        bytes.extend([kind, 0]);
        bytes.extend(line.to_le_bytes());
        bytes.extend(value.to_le_bytes());
        bytes
    }

    fn stabs() -> Vec<u8> {
        [
            stab(1, SOURCE, 0, 0x1000),
            stab(7, SOURCE, 0, 0x1000),
            stab(11, FUNCTION, 0, 0x1000),
            stab(0, LINE, 10, 0),
            stab(0, LINE, 11, 6),
            stab(23, INCLUDED, 0, 0x100a),
            stab(0, LINE, 3, 10),
            stab(0, SOURCE, 0, 0x1020),
        ]
        .concat()
    }

    #[test]
    fn lines_count_from_their_function() {
        let stabs = Stabs::of(&stabs(), STRINGS);
        let line = |address| stabs.line(0x1000, address);
        assert_eq!(line(0x1005), Some(("/src/a.c".into(), 10)));
        assert_eq!(line(0x1006), Some(("/src/a.c".into(), 11)));
        assert_eq!(line(0x1010), Some(("/src/b.h".into(), 3)));
        assert_eq!(line(0xfff), None);
        assert_eq!(stabs.starts("a.c", 11), [0x1006]);
        assert!(stabs.starts(".c", 11).is_empty());
        // A later function without lines has none.
        assert_eq!(stabs.line(0x2000, 0x2004), None);
    }

    /// Sections of code are where the linker put them, and a file without a folder follows one
    /// with a folder.
    #[test]
    fn files_may_come_in_any_order() {
        let bytes = [
            stab(1, SOURCE, 0, 0x2000),
            stab(7, SOURCE, 0, 0x2000),
            stab(11, FUNCTION, 0, 0x2000),
            stab(0, LINE, 10, 0),
            stab(0, SOURCE, 0, 0x2010),
            stab(7, SOURCE, 0, 0x1000),
            stab(11, FUNCTION, 0, 0x1000),
            stab(0, LINE, 20, 0),
        ];
        let stabs = Stabs::of(&bytes.concat(), STRINGS);
        assert_eq!(stabs.line(0x1000, 0x1004), Some(("a.c".into(), 20)));
        assert_eq!(stabs.line(0x2000, 0x2004), Some(("/src/a.c".into(), 10)));
    }

    #[test]
    fn nothing_is_believed() {
        let mut bytes = stabs();
        bytes.extend([stab(u32::MAX, SOURCE, 0, 0), stab(1, LINE, 0, u32::MAX)].concat());
        bytes.push(7);
        for cut in 0..bytes.len() {
            let stabs = Stabs::of(&bytes[..cut], &STRINGS[..cut.min(STRINGS.len())]);
            let _ = stabs.line(0, u64::MAX);
        }
    }
}
