//! Programs of a few instructions, written by hand, on the whole machine.
//!
//! The real programs are run by the tool's conformance tests; these need no guest
//! build. The hard thing is that a run with one seed must be the same every time, and
//! another seed must be able to make it another.

use abi::{Call, Personality};
use pc::{Config, Pc};
use sim::image::{Segment, elf};
use sim::machine::{Machine, Spec, Store};

/// Where a program is loaded, and where it has its data.
const CODE: u32 = 0x80_0000;
const DATA: u32 = 0x80_1000;

/// Machine code under construction.
#[derive(Default)]
struct Code(Vec<u8>);

impl Code {
    fn bytes(mut self, bytes: &[u8]) -> Code {
        self.0.extend_from_slice(bytes);
        self
    }

    /// An opcode with a word behind it.
    fn word(self, opcode: &[u8], word: u32) -> Code {
        self.bytes(opcode).bytes(&word.to_le_bytes())
    }

    /// A system call with arguments in edx and ecx.
    fn call(self, call: Call, edx: u32, ecx: u32) -> Code {
        let number = Personality::Lab4.number(call).expect("lab 4 has it");
        self.word(&[0xba], edx)
            .word(&[0xb9], ecx)
            .word(&[0xb8], number)
            .bytes(&[0xcd, 0x30])
    }

    /// A conditional jump back to `target`.
    fn jump_back(self, opcode: u8, target: usize) -> Code {
        let distance = target as i64 - (self.0.len() as i64 + 2);
        let distance = i8::try_from(distance).expect("near");
        self.bytes(&[opcode, distance.cast_unsigned()])
    }

    /// The program's file, ending with its destruction, with these data.
    fn file(self, data: &[u8]) -> Vec<u8> {
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
fn printer(letter: u8) -> Vec<u8> {
    let code = Code::default().word(&[0xbe], 10); // mov esi, 10
    let start = code.0.len();
    code.call(Call::Cputs, DATA, 1)
        .word(&[0xb9], 300) // mov ecx, 300
        .bytes(&[0xe2, 0xfe, 0x4e]) // loop to itself; dec esi
        .jump_back(0x75, start)
        .file(&[letter])
}

/// What is printed by programs on so many CPUs, from a seed, with `typed` as input.
fn run(files: &[Vec<u8>], cpus: u8, seed: u64, typed: &[u8]) -> String {
    let spec = Spec {
        cpus,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    for file in files {
        let made = machine.boot_image(file, &[], Personality::Lab4);
        made.expect("the image loads");
    }
    let mut pc = Pc::new(machine, Config { seed });
    pc.type_in(typed);
    for _ in 0..200_000 {
        if pc.has_ended() {
            break;
        }
        pc.round();
        if pc.machine.holder.is_none() {
            pc.machine.audit().expect("the kernel's state is sound");
        }
    }
    assert!(pc.has_ended(), "it goes on for ever");
    assert_eq!(pc.machine.stray(), None);
    let output = String::from_utf8(pc.take_output()).expect("text");
    let (printed, _) = output.split_once("No runnable").expect("the last lines");
    printed.to_owned()
}

#[test]
fn a_program_prints_and_ends() {
    assert_eq!(run(&[printer(b'a')], 1, 0, &[]).trim_end(), "aaaaaaaaaa");
}

#[test]
fn a_seed_decides_a_run() {
    let files = [printer(b'a'), printer(b'b'), printer(b'c')];
    let runs: Vec<String> = (0..8).map(|seed| run(&files, 3, seed, &[])).collect();
    for (seed, first) in (0..).zip(&runs) {
        assert_eq!(&run(&files, 3, seed, &[]), first);
        let count = |letter| first.matches(letter).count();
        assert_eq!([count('a'), count('b'), count('c')], [10; 3], "{first}");
    }
    assert!(
        runs.iter().any(|run| *run != runs[0]),
        "eight seeds, one run"
    );
}

#[test]
fn what_is_typed_arrives() {
    let poll = Code::default()
        .call(Call::Cgetc, 0, 0)
        .bytes(&[0x85, 0xc0]) // test eax, eax
        .jump_back(0x74, 0)
        .word(&[0xa2], DATA) // mov [DATA], al
        .call(Call::Cputs, DATA, 1)
        .file(&[0]);
    assert_eq!(run(&[poll], 1, 0, b"x").trim_end(), "x");
}

/// Two environments load a number each into the x87 unit, let the other one on, and
/// print what they find; FS too.
#[test]
fn registers_outside_the_frame_belong_to_environments() {
    let program = |letter: u8, selector: u32| {
        Code::default()
            .word(&[0xb8], selector) // mov eax, selector
            .bytes(&[0x8e, 0xe0]) // mov fs, eax
            .word(&[0xdb, 0x05], DATA) // fild dword [DATA]
            .call(Call::Yield, 0, 0)
            .call(Call::Yield, 0, 0)
            .word(&[0xdb, 0x1d], DATA) // fistp dword [DATA]
            .bytes(&[0x8c, 0xe0]) // mov eax, fs
            .word(&[0x2d], selector) // sub eax, selector
            .word(&[0x01, 0x05], DATA) // add [DATA], eax
            .call(Call::Cputs, DATA, 1)
            .file(&[letter, 0, 0, 0])
    };
    let printed = run(&[program(b'p', 0x1b), program(b'q', 0x23)], 1, 0, &[]);
    let mut letters: Vec<char> = printed.trim_end().chars().collect();
    letters.sort_unstable();
    assert_eq!(letters, ['p', 'q']);
}

/// Two environments on one CPU have different memory at one address, and take turns.
#[test]
fn translations_end_with_a_turn() {
    let program = |letter: u8| {
        Code::default()
            .word(&[0xa0], DATA) // mov al, [DATA]
            .word(&[0xa2], DATA + 4) // mov [DATA + 4], al
            .call(Call::Yield, 0, 0)
            .call(Call::Yield, 0, 0)
            .word(&[0xa0], DATA + 4)
            .word(&[0xa2], DATA + 8)
            .call(Call::Cputs, DATA + 8, 1)
            .file(&[letter, 0, 0, 0, 0, 0, 0, 0, 0])
    };
    let printed = run(&[program(b'p'), program(b'q')], 1, 0, &[]);
    let mut letters: Vec<char> = printed.trim_end().chars().collect();
    letters.sort_unstable();
    assert_eq!(letters, ['p', 'q']);
}

/// A page that was used and then unmapped faults.
#[test]
fn translations_end_with_a_mapping() {
    const PAGE: u32 = 0x90_5000;
    let program = Code::default()
        .word(&[0xbb], 7) // mov ebx, the rights
        .call(Call::PageAlloc, 0, PAGE)
        .word(&[0xa2], PAGE) // mov [PAGE], al
        .call(Call::Cputs, DATA, 1)
        .call(Call::PageUnmap, 0, PAGE)
        .word(&[0xa2], PAGE)
        .call(Call::Cputs, DATA, 1)
        .file(b"!");
    let printed = run(&[program], 1, 0, &[]);
    assert_eq!(printed.matches('!').count(), 1, "{printed}");
    assert!(printed.contains("cr2  0x00905000"), "{printed}");
}

#[test]
fn a_fault_ends_a_program() {
    let divides = Code::default().bytes(&[0x31, 0xc9, 0xf7, 0xf1]).file(&[0]);
    let printed = run(&[divides], 1, 0, &[]);
    assert!(
        printed.contains("trap 0x00000000 Divide error"),
        "{printed}"
    );
}
