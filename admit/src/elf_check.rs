//! Is this file a program that a JOS kernel can load?
//!
//! The kernel does not trust its modules either; the point of asking here is
//! a clear line on the host instead of a dead guest. Every number in the file
//! is an allegation until it has been compared with the file's real size and
//! with the address space a program may have.

use ::abi::Personality;
use ::abi::layout;
use elf::ElfBytes;
use elf::abi;
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader};
use elf::segment::ProgramHeader;

use crate::personality::{Edition, of_symbols};

/// End of the addresses a program may have.
const UTOP: u64 = layout::UTOP as u64;
const PAGE: u64 = layout::PGSIZE as u64;
/// Real programs have three to five; more is a broken or a hostile file.
const MAX_PROGRAM_HEADERS: u16 = 64;

/// Why a file cannot be run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// The first four bytes are not ELF's.
    #[error("not an ELF file")]
    NotElf,
    /// Header or tables end before they should, or contradict themselves.
    #[error("damaged ELF file: {0}")]
    Damaged(String),
    /// 64-bit.
    #[error("a 64-bit ELF file; the guest runs 32-bit i386 programs")]
    Not32Bit,
    /// Big-endian.
    #[error("a big-endian ELF file; the guest runs little-endian i386 programs")]
    BigEndian,
    /// Built for another processor; the number is ELF's `e_machine`.
    #[error("built for another processor (ELF machine {0}), not for i386")]
    WrongMachine(u16),
    /// Relocatable, shared or a core dump; the number is ELF's `e_type`.
    #[error(
        "not an executable with fixed addresses (ELF type {0}); link it statically, without PIE"
    )]
    WrongType(u16),
    /// Too long a table of segments.
    #[error("{0} program headers; at most {MAX_PROGRAM_HEADERS} are accepted")]
    TooManySegments(u16),
    /// Nothing to load.
    #[error("no segment to load")]
    NothingToLoad,
    /// A segment that does not fit the file or the address space.
    #[error("segment {index}: {problem}")]
    BadSegment {
        /// Position in the table of program headers.
        index: usize,
        /// What is wrong with it.
        problem: SegmentError,
    },
    /// Execution would start outside everything loaded.
    #[error("entry point {0:#x} lies in no segment that is loaded")]
    EntryOutside(u64),
    /// More memory than the machine has.
    #[error("needs {needed_mib} MiB, the machine has {given_mib} (see --mem)")]
    TooBig {
        /// Sum of the pages of all segments, in MiB, rounded up.
        needed_mib: u64,
        /// What the machine was given, in MiB.
        given_mib: u64,
    },
}

/// What can be wrong with one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// `p_filesz` > `p_memsz`.
    #[error("larger in the file than in memory")]
    FileLargerThanMemory,
    /// Its bytes are not all in the file.
    #[error("reaches beyond the end of the file")]
    BeyondFile,
    /// It would reach kernel addresses or wrap around.
    #[error("reaches to or above {UTOP:#x}, where programs may not be")]
    AboveUtop,
}

/// Checks that `image` can be loaded into `memory_mib` MiB and tells which
/// edition of the interface it was built for.
pub fn check(image: &[u8], memory_mib: u32) -> Result<Edition, ElfError> {
    check_identity(image)?;
    let file = ElfBytes::<LittleEndian>::minimal_parse(image)
        .map_err(|error| ElfError::Damaged(error.to_string()))?;
    check_kind(&file.ehdr)?;
    let segments = file
        .segments()
        .ok_or_else(|| ElfError::Damaged("no program headers".into()))?;

    let mut pages = 0;
    let mut entry_inside = false;
    let mut loaded = 0;
    for (index, segment) in segments.iter().enumerate() {
        if segment.p_type != abi::PT_LOAD || segment.p_memsz == 0 {
            continue;
        }
        check_segment(&segment, image.len() as u64)
            .map_err(|problem| ElfError::BadSegment { index, problem })?;
        let end = segment.p_vaddr + segment.p_memsz;
        loaded += 1;
        pages += end.div_ceil(PAGE) - segment.p_vaddr / PAGE;
        entry_inside |= (segment.p_vaddr..end).contains(&file.ehdr.e_entry);
    }
    if loaded == 0 {
        return Err(ElfError::NothingToLoad);
    }
    if !entry_inside {
        return Err(ElfError::EntryOutside(file.ehdr.e_entry));
    }
    let needed_mib = (pages * PAGE).div_ceil(1 << 20);
    let given_mib = u64::from(memory_mib);
    if needed_mib >= given_mib {
        return Err(ElfError::TooBig {
            needed_mib,
            given_mib,
        });
    }
    Ok(edition(&file))
}

/// The sixteen bytes that say what kind of ELF this is, before a parser that
/// was told to expect one kind sees the rest.
fn check_identity(image: &[u8]) -> Result<(), ElfError> {
    if !image.starts_with(&abi::ELFMAGIC) {
        return Err(ElfError::NotElf);
    }
    let identity = image
        .get(..abi::EI_NIDENT)
        .ok_or_else(|| ElfError::Damaged("it ends within its header".into()))?;
    if identity[abi::EI_CLASS] != abi::ELFCLASS32 {
        return Err(ElfError::Not32Bit);
    }
    if identity[abi::EI_DATA] != abi::ELFDATA2LSB {
        return Err(ElfError::BigEndian);
    }
    Ok(())
}

fn check_kind(header: &FileHeader<LittleEndian>) -> Result<(), ElfError> {
    if header.class != Class::ELF32 {
        return Err(ElfError::Not32Bit);
    }
    if header.e_machine != abi::EM_386 {
        return Err(ElfError::WrongMachine(header.e_machine));
    }
    if header.e_type != abi::ET_EXEC {
        return Err(ElfError::WrongType(header.e_type));
    }
    if header.e_phnum > MAX_PROGRAM_HEADERS {
        return Err(ElfError::TooManySegments(header.e_phnum));
    }
    Ok(())
}

fn check_segment(segment: &ProgramHeader, file_size: u64) -> Result<(), SegmentError> {
    if segment.p_filesz > segment.p_memsz {
        return Err(SegmentError::FileLargerThanMemory);
    }
    // The fields are 32 bits wide in the file, so these sums cannot overflow 64.
    if segment.p_offset + segment.p_filesz > file_size {
        return Err(SegmentError::BeyondFile);
    }
    if segment.p_vaddr + segment.p_memsz > UTOP {
        return Err(SegmentError::AboveUtop);
    }
    Ok(())
}

/// From the symbols; a stripped file may be of the oldest edition, lab 4.
fn edition(file: &ElfBytes<'_, LittleEndian>) -> Edition {
    let Ok(Some((symbols, strings))) = file.symbol_table() else {
        return Edition::Guessed(Personality::Lab4);
    };
    Edition::Told(of_symbols(symbols.iter().filter_map(|symbol| {
        let name = strings.get(symbol.st_name as usize).ok()?;
        Some((name, symbol.st_size))
    })))
}

#[cfg(test)]
mod tests;
