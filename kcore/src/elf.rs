//! The little of the ELF format that loading a program needs.
//!
//! Source: Tool Interface Standard, ELF 1.2, book I (ELF32). Headers are read
//! from physical memory by value. The hard thing is that nothing in the file
//! can be believed: every offset and length is checked against the file's size
//! without overflow before it is used.

use crate::phys::PhysMem;

/// Bytes of an ELF header.
const HEADER_SIZE: u32 = 52;
/// Bytes of a program header.
const PROGRAM_HEADER_SIZE: u32 = 32;
/// The most program headers that are looked at.
pub const MAX_PROGRAM_HEADERS: u32 = 64;
/// `p_type` of a segment to load.
const PT_LOAD: u32 = 1;

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

/// Little-endian fields at fixed offsets.
struct Fields<const N: usize>([u8; N]);

impl<const N: usize> Fields<N> {
    fn half(&self, offset: usize) -> u32 {
        let byte = |i| u32::from(self.0.get(offset + i).copied().unwrap_or(0));
        byte(0) | byte(1) << 8
    }

    fn word(&self, offset: usize) -> u32 {
        self.half(offset) | self.half(offset + 2) << 16
    }
}

impl Image {
    /// Reads `N` bytes at `offset` of the file.
    fn fields<const N: usize, M: PhysMem>(
        self,
        mem: &mut M,
        offset: u32,
    ) -> Result<Fields<N>, BadElf> {
        let end = offset.checked_add(N as u32).ok_or(BadElf::Truncated)?;
        if end > self.len {
            return Err(BadElf::Truncated);
        }
        let mut bytes = [0; N];
        mem.read_bytes(self.start.wrapping_add(offset), &mut bytes);
        Ok(Fields(bytes))
    }
}

impl Elf {
    /// Reads and checks a file's header.
    pub fn parse<M: PhysMem>(mem: &mut M, image: Image) -> Result<Elf, BadElf> {
        let header = image.fields::<{ HEADER_SIZE as usize }, M>(mem, 0)?;
        if header.word(0) != 0x464c_457f {
            return Err(BadElf::Magic);
        }
        let class_and_order = header.half(4);
        let (kind, machine) = (header.half(16), header.half(18));
        if class_and_order != 0x0101 || kind != 2 || machine != 3 {
            return Err(BadElf::Machine);
        }
        let (size, count) = (header.half(42), header.half(44));
        if count > 0 && size != PROGRAM_HEADER_SIZE || count > MAX_PROGRAM_HEADERS {
            return Err(BadElf::ProgramHeaders);
        }
        Ok(Elf {
            image,
            entry: header.word(24),
            table: header.word(28),
            count,
        })
    }

    /// The segments to load, in the order of the file. Each lies within the
    /// file; where it goes in memory is not checked here.
    pub fn segments<'m, M: PhysMem>(
        self,
        mem: &'m mut M,
    ) -> impl Iterator<Item = Result<Segment, BadElf>> + 'm {
        (0..self.count).filter_map(move |index| self.segment(mem, index).transpose())
    }

    /// Segment `index`, `None` if it is not one to load.
    pub fn segment<M: PhysMem>(self, mem: &mut M, index: u32) -> Result<Option<Segment>, BadElf> {
        let offset = self
            .table
            .checked_add(index.wrapping_mul(PROGRAM_HEADER_SIZE))
            .ok_or(BadElf::Truncated)?;
        let header = self
            .image
            .fields::<{ PROGRAM_HEADER_SIZE as usize }, M>(mem, offset)?;
        if header.word(0) != PT_LOAD {
            return Ok(None);
        }
        let segment = Segment {
            offset: header.word(4),
            va: header.word(8),
            file_size: header.word(16),
            mem_size: header.word(20),
        };
        let end = segment
            .offset
            .checked_add(segment.file_size)
            .ok_or(BadElf::Truncated)?;
        if end > self.image.len || segment.file_size > segment.mem_size {
            return Err(BadElf::Truncated);
        }
        Ok(Some(segment))
    }

    /// How many program headers the file has.
    pub fn count(self) -> u32 {
        self.count
    }
}
