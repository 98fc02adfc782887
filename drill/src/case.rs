//! One case: code, and what it starts from.
//!
//! The hard thing is the order: whoever builds a case chooses the operand in memory
//! early, and that fixes the registers of its address. What an instruction wants of
//! registers beside is said before, by naming those that no address may use.

use crate::code::Code;
use crate::layout::{ARENA, ARENA_SIZE, MIDDLE};
use crate::random::Random;

/// Flags, as the manual names them.
pub(crate) mod flag {
    pub(crate) const CF: u32 = 1;
    pub(crate) const PF: u32 = 1 << 2;
    pub(crate) const AF: u32 = 1 << 4;
    pub(crate) const ZF: u32 = 1 << 6;
    pub(crate) const SF: u32 = 1 << 7;
    pub(crate) const TF: u32 = 1 << 8;
    pub(crate) const DF: u32 = 1 << 10;
    pub(crate) const OF: u32 = 1 << 11;
    pub(crate) const NT: u32 = 1 << 14;
    pub(crate) const VM: u32 = 1 << 17;
    pub(crate) const ARITHMETIC: u32 = CF | PF | AF | ZF | SF | OF;
}

/// Numbers of general registers.
pub(crate) mod register {
    pub(crate) const EAX: u8 = 0;
    pub(crate) const ECX: u8 = 1;
    pub(crate) const EDX: u8 = 2;
    pub(crate) const EBX: u8 = 3;
    pub(crate) const ESP: u8 = 4;
    pub(crate) const EBP: u8 = 5;
    pub(crate) const ESI: u8 = 6;
    pub(crate) const EDI: u8 = 7;
}

/// EFLAGS of a program: interrupts are on, and the bit that is always set.
const FLAGS: u32 = 0x202;

/// Registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct State {
    /// General registers, as instructions number them.
    pub general: [u32; 8],
    /// EFLAGS.
    pub flags: u32,
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is executed.
    pub code: Code,
    /// Registers at the start.
    pub state: State,
    /// The arena: at first what it is at the start, then what it became.
    pub memory: [u8; ARENA_SIZE],
    /// Flags that are undefined at the end (Intel SDM volume 2, at each
    /// instruction).
    pub undefined: u32,
    pub(crate) random: Random,
    /// Whether several instructions follow each other, so that no register is known
    /// but esp.
    pub(crate) sequence: bool,
}

impl Case {
    pub(crate) fn new(mut random: Random) -> Case {
        let mut memory = [0; ARENA_SIZE];
        let (words, _) = memory.as_chunks_mut();
        words
            .iter_mut()
            .for_each(|word| *word = random.word().to_le_bytes());
        let mut general = [0; 8].map(|_: u32| random.word());
        general[register::ESP as usize] = MIDDLE - 16 + random.below(32);
        let flags = FLAGS | random.uniform() & flag::ARITHMETIC;
        Case {
            code: Code::default(),
            state: State { general, flags },
            memory,
            undefined: 0,
            random,
            sequence: false,
        }
    }

    pub(crate) fn get(&self, register: u8) -> u32 {
        self.state.general[register as usize]
    }

    pub(crate) fn set(&mut self, register: u8, value: u32) {
        self.state.general[register as usize] = value;
    }

    /// Sets the lower half of a register.
    pub(crate) fn set_low(&mut self, register: u8, value: u32) {
        let upper = self.get(register) & 0xffff_0000;
        self.set(register, upper | value & 0xffff);
    }

    /// Stores bytes of the arena.
    pub(crate) fn poke(&mut self, va: u32, value: u32, size: u32) {
        let at = (va - ARENA) as usize;
        let size = size as usize;
        self.memory[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }

    /// Bytes of the arena.
    pub(crate) fn peek(&self, va: u32, size: u32) -> u32 {
        let at = (va - ARENA) as usize;
        let mut bytes = [0; 4];
        bytes[..size as usize].copy_from_slice(&self.memory[at..at + size as usize]);
        u32::from_le_bytes(bytes)
    }

    /// A width of an operand, in bits.
    pub(crate) fn width(&mut self) -> u32 {
        self.random.one_of(&[8, 16, 32, 32])
    }

    /// A width other than that of a byte.
    pub(crate) fn wide(&mut self) -> u32 {
        self.random.one_of(&[16, 32])
    }

    /// A register of this width. In a sequence esp stays as it is.
    pub(crate) fn register(&mut self, width: u32) -> u8 {
        loop {
            let register = self.random.below(8) as u8;
            if !(self.sequence && width > 8 && register == register::ESP) {
                return register;
            }
        }
    }

    /// An immediate value of at most 32 bits.
    pub(crate) fn immediate(&mut self, width: u32) {
        let value = self.random.word();
        self.code.add_value(value, width / 8);
    }
}
