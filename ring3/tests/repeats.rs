//! String instructions that repeat: the same, however many elements are done at once.
//!
//! The hard thing is every way in which elements may not be alike: they go down, overlap,
//! lie in two pages, reach a page that is not there, or are counted in cx.

mod common;

use common::trial::{CODE, DATA, ECX, EDI, ESI};
use common::{Machine, PAGE, processor};
use ring3::flags::{DF, Flags};
use ring3::{Cache, Registers, Trap};

/// The second of two pages of data that follow each other; behind it is nothing.
const SECOND: u32 = DATA + PAGE;
const END: u32 = SECOND + PAGE;
/// Enough for every repetition here.
const MANY: u64 = 100_000;

/// What is left of an execution.
#[derive(PartialEq)]
struct Left {
    done: u64,
    trap: Trap,
    registers: Registers,
    memory: Vec<u8>,
}

/// Executes `code` in portions of `budget`, until it traps.
fn run(code: &[u8], general: [(u8, u32); 3], flags: u32, budget: u64) -> Left {
    let mut machine = Machine::default();
    for va in [CODE, DATA, SECOND] {
        machine.map(va, true);
    }
    let pattern: Vec<u8> = (0..2 * PAGE).map(|at| (at ^ at >> 8) as u8).collect();
    machine.store(DATA, &pattern);
    machine.store(CODE, code);
    let mut processor = processor();
    processor.registers.eip = CODE;
    processor.registers.flags = Flags::from_bits(flags);
    processor.registers.general[0] = 0xa1b2_c3d4;
    for (number, value) in general {
        processor.registers.set(number, value);
    }
    let mut cache = Cache::default();
    let mut done = 0;
    let trap = loop {
        let (more, trap) = processor.run(&mut cache, &mut machine, budget);
        assert!(more <= budget, "{more} of {budget}");
        done += more;
        assert!(done < MANY, "{code:x?} is endless");
        if let Some(trap) = trap {
            break trap;
        }
    };
    Left {
        done,
        trap,
        registers: processor.registers,
        memory: machine.memory,
    }
}

/// `rep movsb`, `movsw`, `movsd`, `stosb`, `stosw`, `stosd`, `movsd` that counts in cx;
/// a call of the kernel behind each ends it.
const CODES: [&[u8]; 7] = [
    &[0xf3, 0xa4, 0xcd, 0x30],
    &[0xf3, 0x66, 0xa5, 0xcd, 0x30],
    &[0xf3, 0xa5, 0xcd, 0x30],
    &[0xf3, 0xaa, 0xcd, 0x30],
    &[0xf3, 0x66, 0xab, 0xcd, 0x30],
    &[0xf3, 0xab, 0xcd, 0x30],
    &[0x67, 0xf3, 0xa5, 0xcd, 0x30],
];

#[test]
fn at_once_or_one_by_one() {
    let places = [
        (DATA, SECOND),
        (DATA + 1, DATA + 3),
        (DATA + 8, DATA + 4),
        (SECOND - 6, DATA + 2),
        (DATA + 2, SECOND - 5),
        (DATA, END - 40),
        (END - 7, DATA),
    ];
    for code in CODES {
        for (from, to) in places {
            for (count, flags) in [
                (0, 0),
                (1, 0),
                (2, 0),
                (37, 0),
                (37, DF),
                (1100, 0),
                (0x1_0025, 0),
            ] {
                let general = [(ECX, count), (ESI, from), (EDI, to)];
                let single = run(code, general, flags, 1);
                for budget in [2, 3, 10, MANY] {
                    let left = run(code, general, flags, budget);
                    assert!(left == single, "{code:x?} {general:x?} by {budget}");
                }
            }
        }
    }
}
