//! What loading a program needs of its file.
//!
//! The format is the crate `elf`'s affair (Tool Interface Standard, ELF 1.2,
//! book I). The hard thing is that the file lies in physical memory, where
//! nobody holds a reference to it, and that nothing in it can be believed: so
//! headers are copied out one at a time, and every offset and length is checked
//! against the file's size before it is used.

use crate::phys::PhysMem;
use elf::ParseError;
use elf::abi::{EM_386, ET_EXEC, PT_LOAD};
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::parse::ParseAt;
use elf::segment::ProgramHeader;

/// Bytes of a file's header, of its first part that is the same for all
/// machines, and of a program header.
const HEADER: usize = 52;
const IDENT: usize = 16;
const PROGRAM_HEADER: u32 = 32;
/// The most program headers that are looked at.
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
    /// It ends before what its headers promise.
    Truncated,
    /// It does not begin as an ELF file.
    Magic,
    /// Not 32-bit, little-endian, executable, for the i386.
    Machine,
    /// Its program headers are too many or of a wrong size.
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

/// A part of the file, and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Offset of its first byte in the file.
    pub offset: u32,
    /// Virtual address of its first byte.
    pub va: u32,
    /// Bytes in the file.
    pub file_size: u32,
    /// Bytes in memory; the rest is zero.
    pub mem_size: u32,
}

/// A file whose header is in order.
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
            // Words of 32 bits in this class of files, here and below.
            entry: header.e_entry as u32,
            table: header.e_phoff as u32,
            count,
        })
    }

    /// Segment `index`, `None` if it is not one to load. It lies within the
    /// file; where it goes in memory is not checked here.
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

    /// How many program headers the file has.
    pub fn count(self) -> u32 {
        self.count
    }
}
