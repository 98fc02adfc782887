//! One instruction, or a few, on the small machine.
//!
//! The hard thing is "nothing changed": registers, flags and all of memory are
//! compared with what they were.

use super::{Machine, PAGE, fault, processor};
use ring3::flags::Flags;
use ring3::{Cache, PageFault, Processor, Trap};

/// Where the code is.
pub const CODE: u32 = PAGE;
/// Memory that can be written.
pub const DATA: u32 = 3 * PAGE;
/// The page behind it, which is not there.
pub const ABSENT: u32 = DATA + PAGE;
/// Memory that can be read only.
pub const READABLE: u32 = 6 * PAGE;
/// The top of the stack, in the middle of [`DATA`].
pub const STACK: u32 = DATA + PAGE / 2;
/// Before [`DATA`], and not there either.
pub const BEFORE: u32 = DATA - PAGE;

/// The numbers of registers.
pub use ring3::registers::number::*;

/// A processor that is about to execute something.
pub struct Trial {
    /// Its machine.
    pub machine: Machine,
    /// It.
    pub processor: Processor,
    cache: Cache,
}

impl Trial {
    /// One with this code.
    pub fn new(code: &[u8]) -> Trial {
        let mut machine = Machine::default();
        machine.map(CODE, true);
        machine.map(DATA, true);
        machine.map(READABLE, false);
        machine.store(CODE, code);
        let mut processor = processor();
        processor.registers.eip = CODE;
        processor.registers.set(ESP, STACK);
        Trial {
            machine,
            processor,
            cache: Cache::default(),
        }
    }

    /// The same with this in a register.
    pub fn with(mut self, register: u8, value: u32) -> Trial {
        self.processor.registers.set(register, value);
        self
    }

    /// The same with these flags.
    pub fn with_flags(mut self, flags: u32) -> Trial {
        self.processor.registers.flags = Flags::from_bits(flags);
        self
    }

    /// The same with this selector in a segment register.
    pub fn with_selector(mut self, segment: ring3::Segment, selector: u16) -> Trial {
        self.processor.registers.selectors[segment as usize] = selector;
        self
    }

    /// The same with a word in memory.
    pub fn with_word(mut self, pa: u32, word: u32) -> Trial {
        self.machine.store(pa, &word.to_le_bytes());
        self
    }

    /// Executes at most `budget` instructions.
    pub fn run(&mut self, budget: u64) -> (u64, Option<Trap>) {
        self.processor
            .run(&mut self.cache, &mut self.machine, budget)
    }

    /// A general register.
    pub fn get(&self, register: u8) -> u32 {
        self.processor.registers.get(register)
    }

    /// eip, from the beginning of the code.
    pub fn offset(&self) -> u32 {
        self.processor.registers.eip.wrapping_sub(CODE)
    }

    /// EFLAGS.
    pub fn flags(&self) -> u32 {
        self.processor.registers.flags.bits()
    }

    /// A word in memory.
    pub fn word(&self, pa: u32) -> u32 {
        let bytes = self.machine.bytes(pa, 4);
        bytes
            .iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u32::from(byte))
    }

    /// The first instruction does not trap.
    #[track_caller]
    pub fn run_to_end(mut self) {
        assert_eq!(self.run(1), (1, None));
    }

    /// The first instruction raises this and has changed nothing.
    #[track_caller]
    pub fn faults(mut self, trap: Trap) {
        let registers = self.processor.registers;
        let memory = self.machine.memory.clone();
        assert_eq!(self.run(1), (0, Some(trap)));
        assert_eq!(self.processor.registers, registers);
        assert!(self.machine.memory == memory, "memory has changed");
    }
}

/// A page fault at a page that is not there.
pub fn absent(va: u32, write: bool) -> Trap {
    let error = fault::USER | if write { fault::WRITE } else { 0 };
    Trap::PageFault(PageFault { va, error })
}

/// A page fault by writing where one may only read.
pub fn unwritable(va: u32) -> Trap {
    let error = fault::USER | fault::WRITE | fault::PRESENT;
    Trap::PageFault(PageFault { va, error })
}

/// General protection with this error code.
pub fn protection(error: u32) -> Trap {
    Trap::Exception { vector: 13, error }
}
