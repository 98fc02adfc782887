//! Programs of a few instructions, written by hand as machine code, for tests that want
//! no guest build.
//!
//! The hard thing is two environments that share memory, which takes a fork: here a
//! child gets its parent's two pages, and goes another way from there on.

use crate::image::{Segment, elf};
use abi::{Call, EnvStatus, Personality};

/// Where a program is loaded.
pub const CODE: u32 = 0x80_0000;
/// Where it has its data.
pub const DATA: u32 = 0x80_1000;

/// Rights of a page: present, for programs, writable.
const RIGHTS: u32 = 7;

/// Machine code under construction.
#[derive(Clone, Debug, Default)]
pub struct Code(pub Vec<u8>);

impl Code {
    /// Adds bytes.
    pub fn bytes(mut self, bytes: &[u8]) -> Code {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds an opcode with a word behind it.
    pub fn word(self, opcode: &[u8], word: u32) -> Code {
        self.bytes(opcode).bytes(&word.to_le_bytes())
    }

    /// A system call with arguments in edx and ecx.
    pub fn call(self, call: Call, edx: u32, ecx: u32) -> Code {
        self.word(&[0xba], edx).word(&[0xb9], ecx).call_as_is(call)
    }

    /// A system call with the arguments that the registers have.
    pub fn call_as_is(self, call: Call) -> Code {
        let number = Personality::Lab4.number(call).expect("lab 4 has it");
        self.word(&[0xb8], number).bytes(&[0xcd, 0x30])
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

    /// Maps a page into the environment whose id is in ebp, at the same address.
    fn share(self, va: u32) -> Code {
        self.bytes(&[0x89, 0xeb]) // mov ebx, ebp
            .word(&[0xbf], va) // mov edi, va
            .word(&[0xbe], RIGHTS) // mov esi, RIGHTS
            .call(Call::PageMap, 0, va)
    }
}

/// The file of a parent and its child, which share all their memory and have no stack.
/// Each is destroyed at its end.
pub fn pair(parent: Code, child: Code, data: &[u8]) -> Vec<u8> {
    let parent = Code::default()
        .bytes(&[0x89, 0xc5]) // mov ebp, eax
        .share(CODE)
        .share(DATA)
        .bytes(&[0x89, 0xea]) // mov edx, ebp
        .word(&[0xb9], EnvStatus::Runnable as u32) // mov ecx, the status
        .call_as_is(Call::EnvSetStatus)
        .bytes(&parent.0)
        .call(Call::EnvDestroy, 0, 0);
    Code::default()
        .call_as_is(Call::Exofork)
        .bytes(&[0x85, 0xc0]) // test eax, eax
        .word(&[0x0f, 0x84], parent.0.len() as u32) // jz, past the parent
        .bytes(&parent.0)
        .bytes(&child.0)
        .file(data)
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
