//! Files that are not quite programs, given to both loaders: the kernel, which finds
//! them in memory at boot, and `spawn`, which gets bytes.
//!
//! The hard thing is that the two must agree, except where they differ on purpose:
//! the kernel loads a segment that lies where the stack is, `spawn` does not.

use abi::layout::{PGSIZE, USTACKTOP, UTOP};
use abi::{Call, Personality};
use kcore::elf::BadElf::{Machine as ForOther, Magic, ProgramHeaders, Truncated};
use kcore::{CpuId, LoadError};
use launch::{BadImage, Image};
use sim::audit::census;
use sim::image::{HEADER, PROGRAM_HEADER, Segment, elf};
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);

/// Which loader refuses a file, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// Both loaders accept it.
    Loaded,
    /// Both refuse it, the kernel with the first error and `spawn` with the second.
    Refused(LoadError, BadImage),
    /// Only the kernel loads it: a segment reaches the stack's page or beyond.
    ByTheKernel,
}

use Outcome::{ByTheKernel, Loaded, Refused};

const MAGIC: Outcome = Refused(LoadError::Elf(Magic), BadImage::NotProgram);
const OTHER: Outcome = Refused(LoadError::Elf(ForOther), BadImage::NotProgram);
const HEADERS: Outcome = Refused(LoadError::Elf(ProgramHeaders), BadImage::NotProgram);
const NO_HEADER: Outcome = Refused(LoadError::Elf(Truncated), BadImage::NotProgram);
const CUT: Outcome = Refused(LoadError::Elf(Truncated), BadImage::Truncated);
const PLACE: Outcome = Refused(LoadError::Address, BadImage::Address);

/// Offsets of fields, in the header and in the second of three program headers.
const ENTRY: usize = 24;
const TABLE: usize = 28;
const SIZE: usize = 42;
const COUNT: usize = 44;
const SECOND: usize = HEADER + PROGRAM_HEADER;
const KIND: usize = SECOND;
const OFFSET: usize = SECOND + 4;
const ADDRESS: usize = SECOND + 8;
const FILE_SIZE: usize = SECOND + 16;
const MEM_SIZE: usize = SECOND + 20;
const FLAGS: usize = SECOND + 24;
const ALIGN: usize = SECOND + 28;

/// Where in the file which value is written over how many bytes, and the outcome.
const OVERWRITTEN: [(usize, u32, usize, Outcome); 38] = [
    // The first bytes: not an ELF file, or one for another machine.
    (0, 0, 1, MAGIC),
    (1, 0x65, 1, MAGIC),
    (3, 0, 1, MAGIC),
    (4, 0, 1, OTHER),
    (4, 2, 1, OTHER),
    (5, 2, 1, OTHER),
    (6, 0, 1, OTHER),
    (7, 3, 1, Loaded),
    (16, 1, 2, OTHER),
    (16, 3, 2, OTHER),
    (16, 4, 2, OTHER),
    (18, 0, 2, OTHER),
    (18, 62, 2, OTHER),
    // The entry may be anywhere: a bad one ends the program when it starts.
    (ENTRY, 0, 4, Loaded),
    (ENTRY, u32::MAX, 4, Loaded),
    // The table of program headers.
    (TABLE, u32::MAX, 4, CUT),
    (TABLE, 0x7fff_fff0, 4, CUT),
    (TABLE, 0xffff_ffe0, 4, CUT),
    (SIZE, 0, 2, HEADERS),
    (SIZE, 31, 2, HEADERS),
    (SIZE, 56, 2, HEADERS),
    (COUNT, 0, 2, Loaded),
    (COUNT, 65, 2, HEADERS),
    (COUNT, 0xffff, 2, HEADERS),
    // A program header.
    (KIND, 0, 4, Loaded),
    (KIND, 0x6474_e551, 4, Loaded),
    (OFFSET, u32::MAX, 4, CUT),
    (OFFSET, 0x7fff_ffff, 4, CUT),
    (ADDRESS, u32::MAX, 4, PLACE),
    (ADDRESS, UTOP, 4, PLACE),
    (ADDRESS, 0xf010_0000, 4, PLACE),
    (ADDRESS, USTACKTOP - PGSIZE, 4, ByTheKernel),
    (FILE_SIZE, u32::MAX, 4, CUT),
    (FILE_SIZE, 5001, 4, CUT),
    (MEM_SIZE, u32::MAX, 4, PLACE),
    (MEM_SIZE, 4999, 4, CUT),
    (FLAGS, 0, 4, Loaded),
    (ALIGN, 3, 4, Loaded),
];

/// How many of the file's bytes are left, and the outcome.
const SHORTENED: [(usize, Outcome); 7] = [
    (0, NO_HEADER),
    (4, NO_HEADER),
    (51, NO_HEADER),
    (52, CUT),
    (HEADER + 3 * PROGRAM_HEADER - 1, CUT),
    (HEADER + 3 * PROGRAM_HEADER, CUT),
    (HEADER + 3 * PROGRAM_HEADER + 5318 - 1, CUT),
];

fn sound() -> Vec<u8> {
    let segment = |va, byte, len: usize, mem_size| Segment {
        va,
        bytes: vec![byte; len],
        mem_size,
    };
    elf(
        0x80_0020,
        &[
            segment(0x20_0000, 1, 18, 18),
            segment(0x80_0020, 2, 5000, 5000),
            segment(0x80_2000, 3, 300, 9000),
        ],
    )
}

/// Tries a file on both loaders, and checks that nothing of it stays.
fn attempt(machine: &mut Machine<'_>, file: &[u8], wanted: Outcome, what: &str) {
    let at_boot = census(&machine.kernel);
    let by_kernel = machine.boot_image(file, &[], Personality::Lab4);
    let by_spawn = Image::parse(file).map(|image| image.pages().count());
    let outcome = match (by_kernel.map(drop), by_spawn.map(drop)) {
        (Ok(()), Ok(())) => Loaded,
        (Err(error), Err(bad)) => Refused(error, bad),
        (Ok(()), Err(BadImage::Address)) => ByTheKernel,
        other => panic!("{what}: {other:?}"),
    };
    assert_eq!(outcome, wanted, "{what}");
    if let Ok(id) = by_kernel {
        machine.tick(CPU0);
        assert_eq!(machine.env_on(CPU0), Some(id), "{what}");
        machine.call(CPU0, Call::EnvDestroy, [0; 5]);
    }
    machine.clean_up(CPU0);
    assert_eq!(census(&machine.kernel), at_boot, "{what}");
    assert_eq!(machine.check(), Ok(()), "{what}");
    assert_eq!(machine.stray(), None, "{what}");
}

#[test]
fn each_damage_is_known_by_its_name() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    attempt(&mut machine, &sound(), Loaded, "sound");
    for (place, value, len, wanted) in OVERWRITTEN {
        let mut file = sound();
        file[place..place + len].copy_from_slice(&value.to_le_bytes()[..len]);
        attempt(
            &mut machine,
            &file,
            wanted,
            &format!("{value:#x} at {place}"),
        );
    }
    for (len, wanted) in SHORTENED {
        let file = &sound()[..len];
        attempt(&mut machine, file, wanted, &format!("{len} bytes"));
    }
}
