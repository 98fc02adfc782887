//! Reading a program's ELF file.
//!
//! The crate `elf` knows the format (Tool Interface Standard, ELF 1.2, book I). The
//! hard thing is that the file lies in physical memory, to which the core holds no
//! reference, and that nothing in it can be trusted. So the core copies headers out
//! one at a time, and checks every offset and length against the file's size before it
//! uses it.

use crate::phys::PhysMem;
use elf::ParseError;
use elf::abi::{EM_386, ET_EXEC, PT_LOAD};
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::parse::ParseAt;
use elf::segment::ProgramHeader;

/// Sizes in bytes: of the file's header, of its first part, which is the same for all
/// machines, and of a program header.
const HEADER: usize = 52;
const IDENT: usize = 16;
const PROGRAM_HEADER: u32 = 32;
/// A file with more program headers is refused, to bound the work at boot.
pub const MAX_PROGRAM_HEADERS: u32 = 64;

/// A file in physical memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Physical address of its first byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

/// Why a file is not a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadElf {
    /// The file is shorter than its headers say.
    Truncated,
    /// The file does not begin like an ELF file.
    Magic,
    /// The file is not a 32-bit, little-endian executable for the i386.
    Machine,
    /// The program headers are too many or have a wrong size.
    ProgramHeaders,
}

impl From<ParseError> for BadElf {
    fn from(error: ParseError) -> BadElf {
        match error {
            ParseError::BadMagic(_) => BadElf::Magic,
            _ => BadElf::Machine,
        }
    }
}

/// A part of the file, and its place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Offset of its first byte in the file.
    pub offset: u32,
    /// Virtual address of its first byte.
    pub va: u32,
    /// Size in the file, in bytes.
    pub file_size: u32,
    /// Size in memory, in bytes; what the file lacks is zero.
    pub mem_size: u32,
}

/// A file whose header has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Elf {
    image: Image,
    /// Address of the first instruction.
    pub entry: u32,
    table: u32,
    count: u32,
}

impl Image {
    /// Reads `N` bytes at `offset` of the file.
    fn bytes<const N: usize, M: PhysMem>(
        self,
        mem: &mut M,
        offset: u32,
    ) -> Result<[u8; N], BadElf> {
        let end = offset.checked_add(N as u32);
        if end.is_none_or(|end| end > self.len) {
            return Err(BadElf::Truncated);
        }
        let mut bytes = [0; N];
        mem.read_bytes(self.start.wrapping_add(offset), &mut bytes);
        Ok(bytes)
    }
}

impl Elf {
    /// Reads and checks a file's header.
    pub fn parse<M: PhysMem>(mem: &mut M, image: Image) -> Result<Elf, BadElf> {
        let header: [u8; HEADER] = image.bytes(mem, 0)?;
        let (ident, tail) = header.split_at(IDENT);
        let header = FileHeader::parse_tail(parse_ident::<LittleEndian>(ident)?, tail)?;
        let is_ours =
            header.class == Class::ELF32 && header.e_type == ET_EXEC && header.e_machine == EM_386;
        if !is_ours {
            return Err(BadElf::Machine);
        }
        let (size, count) = (u32::from(header.e_phentsize), u32::from(header.e_phnum));
        if count > 0 && size != PROGRAM_HEADER || count > MAX_PROGRAM_HEADERS {
            return Err(BadElf::ProgramHeaders);
        }
        Ok(Elf {
            image,
            // The crate widens these words to 64 bits; here and below they fit 32.
            entry: header.e_entry as u32,
            table: header.e_phoff as u32,
            count,
        })
    }

    /// Segment `index`; `None` if it need not be loaded. The segment lies within the
    /// file, but its place in memory is not checked here.
    pub fn segment<M: PhysMem>(self, mem: &mut M, index: u32) -> Result<Option<Segment>, BadElf> {
        let offset = self
            .table
            .checked_add(index.wrapping_mul(PROGRAM_HEADER))
            .ok_or(BadElf::Truncated)?;
        let bytes: [u8; PROGRAM_HEADER as usize] = self.image.bytes(mem, offset)?;
        let header = ProgramHeader::parse_at(LittleEndian, Class::ELF32, &mut 0, &bytes)?;
        if header.p_type != PT_LOAD {
            return Ok(None);
        }
        let end = header.p_offset.checked_add(header.p_filesz);
        let inside = end.is_some_and(|end| end <= u64::from(self.image.len));
        if !inside || header.p_filesz > header.p_memsz {
            return Err(BadElf::Truncated);
        }
        Ok(Some(Segment {
            offset: header.p_offset as u32,
            va: header.p_vaddr as u32,
            file_size: header.p_filesz as u32,
            mem_size: header.p_memsz as u32,
        }))
    }

    /// The number of program headers.
    pub fn count(self) -> u32 {
        self.count
    }
}
