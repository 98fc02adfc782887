//! Programs of a few instructions, written by hand.
//!
//! The real programs are run by the tool's conformance tests; these need no guest
//! build.

use abi::{Call, Personality};
use sim::image::{Segment, elf};

/// Where a program is loaded, and where it has its data.
pub const CODE: u32 = 0x80_0000;
pub const DATA: u32 = 0x80_1000;

/// Machine code under construction.
#[derive(Default)]
pub struct Code(pub Vec<u8>);

impl Code {
    pub fn bytes(mut self, bytes: &[u8]) -> Code {
        self.0.extend_from_slice(bytes);
        self
    }

    /// An opcode with a word behind it.
    pub fn word(self, opcode: &[u8], word: u32) -> Code {
        self.bytes(opcode).bytes(&word.to_le_bytes())
    }

    /// A system call with arguments in edx and ecx.
    pub fn call(self, call: Call, edx: u32, ecx: u32) -> Code {
        let number = Personality::Lab4.number(call).expect("lab 4 has it");
        self.word(&[0xba], edx)
            .word(&[0xb9], ecx)
            .word(&[0xb8], number)
            .bytes(&[0xcd, 0x30])
    }

    /// A conditional jump back to `target`.
    pub fn jump_back(self, opcode: u8, target: usize) -> Code {
        let distance = target as i64 - (self.0.len() as i64 + 2);
        let distance = i8::try_from(distance).expect("near");
        self.bytes(&[opcode, distance.cast_unsigned()])
    }

    /// The program's file, ending with its destruction, with these data.
    pub fn file(self, data: &[u8]) -> Vec<u8> {
        let code = self.call(Call::EnvDestroy, 0, 0).0;
        let segment = |va, bytes: &[u8]| Segment {
            va,
            bytes: bytes.to_vec(),
            mem_size: bytes.len() as u32,
        };
        elf(CODE, &[segment(CODE, &code), segment(DATA, data)])
    }
}

/// Prints a letter ten times, and works a little after each.
pub fn printer(letter: u8) -> Vec<u8> {
    let code = Code::default().word(&[0xbe], 10); // mov esi, 10
    let start = code.0.len();
    code.call(Call::Cputs, DATA, 1)
        .word(&[0xb9], 300) // mov ecx, 300
        .bytes(&[0xe2, 0xfe, 0x4e]) // loop to itself; dec esi
        .jump_back(0x75, start)
        .file(&[letter])
}
