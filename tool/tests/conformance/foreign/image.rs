//! ELF files from nothing, in shapes that linkers make and ours does not.
//!
//! The hard thing is to be awkward on purpose: segments follow each other in
//! the file without any alignment, so that no offset agrees with its address,
//! and headers say what a case wants them to say. Source: Tool Interface
//! Standard, ELF 1.2, book I.

const HEADER: usize = 52;
const PROGRAM_HEADER: usize = 32;
const SECTION_HEADER: u16 = 40;
const SYMBOL: u32 = 16;

/// `p_type` of a segment to load.
pub const PT_LOAD: u32 = 1;
/// `p_type` of a note.
pub const PT_NOTE: u32 = 4;
/// `p_type` of what GNU's linker says about the stack.
pub const PT_GNU_STACK: u32 = 0x6474_e551;

/// Rights in a program header.
pub const READ: u32 = 4;
pub const WRITE: u32 = 2;
pub const EXECUTE: u32 = 1;

/// One program header, and its bytes.
#[derive(Clone)]
pub struct Segment {
    kind: u32,
    flags: u32,
    va: u32,
    bytes: Vec<u8>,
    mem_size: u32,
}

impl Segment {
    /// To be loaded at `va`, with these rights.
    pub fn load(va: u32, flags: u32, bytes: Vec<u8>) -> Self {
        Self {
            kind: PT_LOAD,
            flags,
            va,
            mem_size: bytes.len() as u32,
            bytes,
        }
    }

    /// As large in memory as this, whatever the file has.
    pub fn in_memory(self, mem_size: u32) -> Self {
        Self { mem_size, ..self }
    }

    /// Of another type.
    pub fn of_type(self, kind: u32) -> Self {
        Self { kind, ..self }
    }
}

/// A whole file: executable, 32-bit, little-endian, for the i386. Symbols have
/// names and nothing else.
pub fn file(entry: u32, segments: &[Segment], symbols: &[&str]) -> Vec<u8> {
    let symbols: Vec<(&str, u32)> = symbols.iter().map(|&name| (name, 0)).collect();
    file_with_sizes(entry, segments, &symbols)
}

/// The same with symbols that have sizes too.
pub fn file_with_sizes(entry: u32, segments: &[Segment], symbols: &[(&str, u32)]) -> Vec<u8> {
    let mut offset = HEADER + segments.len() * PROGRAM_HEADER;
    let mut headers: Vec<u8> = Vec::new();
    let mut contents: Vec<u8> = Vec::new();
    for segment in segments {
        let file_size = segment.bytes.len() as u32;
        let fields = [
            segment.kind,
            offset as u32,
            segment.va,
            segment.va,
            file_size,
            segment.mem_size,
            segment.flags,
            1,
        ];
        headers.extend(fields.into_iter().flat_map(u32::to_le_bytes));
        contents.extend(&segment.bytes);
        offset += segment.bytes.len();
    }
    let (tables, sections) = symbol_table(offset as u32, symbols);
    let section_table = if sections == 0 {
        0
    } else {
        (offset + tables.len()) as u32 - u32::from(sections * SECTION_HEADER)
    };
    let mut file = header(entry, segments.len() as u16, section_table, sections);
    file.extend(headers);
    file.extend(contents);
    file.extend(tables);
    file
}

fn header(entry: u32, segments: u16, section_table: u32, sections: u16) -> Vec<u8> {
    let mut header = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    header.extend([2, 0, 3, 0]);
    let words = [1, entry, HEADER as u32, section_table, 0];
    header.extend(words.into_iter().flat_map(u32::to_le_bytes));
    let halves = [
        HEADER as u16,
        PROGRAM_HEADER as u16,
        segments,
        SECTION_HEADER,
        sections,
        0,
    ];
    header.extend(halves.into_iter().flat_map(u16::to_le_bytes));
    header
}

/// Names, symbols and the table of sections, which comes last; and how many
/// sections there are. Nothing at all without symbols.
fn symbol_table(start: u32, symbols: &[(&str, u32)]) -> (Vec<u8>, u16) {
    const SHT_SYMTAB: u32 = 2;
    const SHT_STRTAB: u32 = 3;
    if symbols.is_empty() {
        return (Vec::new(), 0);
    }
    let mut names = vec![0];
    let mut entries = vec![0; SYMBOL as usize];
    for (name, size) in symbols {
        let absolute = [names.len() as u32, 0, *size, 0xfff1_0010];
        entries.extend(absolute.into_iter().flat_map(u32::to_le_bytes));
        names.extend(name.as_bytes());
        names.push(0);
    }
    let (names_size, size) = (names.len() as u32, entries.len() as u32);
    let sections = [
        [0; 10],
        [
            0,
            SHT_SYMTAB,
            0,
            0,
            start + names_size,
            size,
            2,
            1,
            1,
            SYMBOL,
        ],
        [0, SHT_STRTAB, 0, 0, start, names_size, 0, 0, 1, 0],
    ];
    let mut bytes = names;
    bytes.extend(entries);
    bytes.extend(
        sections
            .iter()
            .flatten()
            .copied()
            .flat_map(u32::to_le_bytes),
    );
    (bytes, sections.len() as u16)
}
