//! The parts of an ELF file that go into memory.
//!
//! The crate `elf` reads the format. The hard thing is that nothing in the file
//! can be trusted: everything is checked before the first page is made.

use core::fmt;
use core::ops::Range;

use abi::layout::PGSIZE;
use elf::abi::{EM_386, ET_EXEC, PF_W, PT_LOAD};
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::segment::{ProgramHeader, SegmentTable};

use super::{Page, STACK};

/// Bytes of a file's header, of the part of it that is the same for all machines,
/// and of a program header (Tool Interface Standard, ELF 1.2, book I).
const HEADER: usize = 52;
const IDENT: usize = 16;
const PROGRAM_HEADER: usize = 32;
/// The most program headers, as in the kernel's loader.
const MAX_PROGRAM_HEADERS: usize = 64;

/// Why a file is not a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadImage {
    /// It is not an ELF file for this machine.
    NotProgram,
    /// It ends before the bytes that its headers promise.
    Truncated,
    /// A part of it goes where no program may be.
    Address,
}

impl fmt::Display for BadImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadImage::NotProgram => "not a program for this machine",
            BadImage::Truncated => "the file is incomplete",
            BadImage::Address => "goes where no program may be",
        })
    }
}

/// A file whose headers are in order.
#[derive(Debug)]
pub struct Image<'f> {
    file: &'f [u8],
    entry: u32,
    table: SegmentTable<'f, LittleEndian>,
}

/// A part of the file, and where it goes.
#[derive(Clone, Copy)]
struct Segment<'f> {
    /// Address of its first byte.
    va: u32,
    /// One past its last byte in memory; bytes that the file does not have are zero.
    end: u32,
    bytes: &'f [u8],
    writeable: bool,
}

impl<'f> Image<'f> {
    /// Checks a file.
    ///
    /// # Errors
    /// If it is not a program, or does not fit where programs may lie.
    pub fn parse(file: &'f [u8]) -> Result<Image<'f>, BadImage> {
        let header = file.get(..HEADER).ok_or(BadImage::NotProgram)?;
        let (ident, tail) = header.split_at(IDENT);
        let ident = parse_ident::<LittleEndian>(ident).map_err(|_| BadImage::NotProgram)?;
        let header = FileHeader::parse_tail(ident, tail).map_err(|_| BadImage::NotProgram)?;
        let count = usize::from(header.e_phnum);
        let is_ours = header.class == Class::ELF32
            && header.e_type == ET_EXEC
            && header.e_machine == EM_386
            && (count == 0 || usize::from(header.e_phentsize) == PROGRAM_HEADER)
            && count <= MAX_PROGRAM_HEADERS;
        if !is_ours {
            return Err(BadImage::NotProgram);
        }
        let table = range(header.e_phoff, (count * PROGRAM_HEADER) as u64);
        let table = table
            .and_then(|range| file.get(range))
            .ok_or(BadImage::Truncated)?;
        let image = Image {
            file,
            // In this class of files the field has 32 bits.
            entry: header.e_entry as u32,
            table: SegmentTable::new(header.endianness, header.class, table),
        };
        image.checked().try_for_each(|segment| segment.map(drop))?;
        Ok(image)
    }

    /// Address of the first instruction.
    pub fn entry(&self) -> u32 {
        self.entry
    }

    /// Addresses of the program's pages, each once.
    pub fn pages(&self) -> impl Iterator<Item = u32> {
        self.segments()
            .enumerate()
            .flat_map(move |(index, segment)| {
                let is_first = move |page: &u32| {
                    let mut earlier = self.segments().take(index);
                    !earlier.any(|segment| segment.meets(*page))
                };
                segment.pages().filter(is_first)
            })
    }

    /// Fills `page`, which must be all zeros, with the bytes that belong at `va`.
    /// Returns whether the program may write the page.
    pub fn fill(&self, va: u32, page: &mut Page) -> bool {
        let mut writeable = false;
        for segment in self.segments().filter(|segment| segment.meets(va)) {
            segment.copy_to(va, page);
            writeable |= segment.writeable;
        }
        writeable
    }

    /// The parts that go into memory, in the order of the file.
    fn segments(&self) -> impl Iterator<Item = Segment<'f>> {
        // `parse` has checked that none of them is an error.
        self.checked().flatten()
    }

    fn checked(&self) -> impl Iterator<Item = Result<Segment<'f>, BadImage>> {
        let file = self.file;
        self.table
            .iter()
            .filter(|header| header.p_type == PT_LOAD)
            .map(move |header| Segment::check(file, header))
    }
}

impl<'f> Segment<'f> {
    fn check(file: &'f [u8], header: ProgramHeader) -> Result<Segment<'f>, BadImage> {
        let bytes = range(header.p_offset, header.p_filesz)
            .and_then(|range| file.get(range))
            .filter(|_| header.p_filesz <= header.p_memsz)
            .ok_or(BadImage::Truncated)?;
        let end = header.p_vaddr.checked_add(header.p_memsz);
        let end = end.filter(|&end| end <= u64::from(STACK));
        Ok(Segment {
            // Segments end below the stack, so addresses have 32 bits.
            va: header.p_vaddr as u32,
            end: end.ok_or(BadImage::Address)? as u32,
            bytes,
            writeable: header.p_flags & PF_W != 0,
        })
    }

    /// Addresses of the pages in which the segment lies.
    fn pages(self) -> impl Iterator<Item = u32> {
        let first = self.va & !(PGSIZE - 1);
        let none = self.va == self.end;
        (if none { self.end } else { first }..self.end).step_by(PGSIZE as usize)
    }

    /// Whether any of the segment lies in the page at `page`.
    fn meets(&self, page: u32) -> bool {
        self.va < self.end && self.va < page + PGSIZE && page < self.end
    }

    /// Copies the file's bytes for the page at `page` into `to`.
    fn copy_to(&self, page: u32, to: &mut Page) {
        // Where the segment begins in the page, or the page in the segment.
        let in_page = self.va.saturating_sub(page) as usize;
        let in_segment = page.saturating_sub(self.va) as usize;
        let from = self.bytes.get(in_segment..).unwrap_or_default();
        for (to, &from) in to.iter_mut().skip(in_page).zip(from) {
            *to = from;
        }
    }
}

/// The `size` bytes at `start`, unless they wrap round.
fn range(start: u64, size: u64) -> Option<Range<usize>> {
    let end = usize::try_from(start.checked_add(size)?).ok()?;
    Some(usize::try_from(start).ok()?..end)
}
