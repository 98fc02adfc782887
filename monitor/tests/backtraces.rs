//! Backtraces with frame pointers that are rubbish: the kernel's own in a panic,
//! and a program's at a breakpoint.
//!
//! The hard thing is that rubbish may look like a stack: chains that go round, go
//! down, or never end.

use abi::layout::{PGSIZE, UTEMP};
use abi::{Call, TrapFrame};
use kcore::CpuId;
use monitor::backtrace::Calls;
use monitor::{Image, LINE, Machine as Surroundings};
use sim::machine::{Machine, Spec, Store};
use sim::random::Stream;
use std::cell::Cell;
use std::fmt;

const CPU0: CpuId = CpuId(0);
/// Calls shown at the most.
const DEEPEST: usize = 32;
/// A stack, and the words on it.
const BOTTOM: u32 = 0xefff_0000;
const WORDS: usize = 64;

/// The calls from `ebp` on a stack with these words. Nothing else is readable, nor
/// is a word that is not aligned.
fn calls(ebp: u32, words: &[u32]) -> Vec<String> {
    let asked = Cell::new(0);
    let word = |address: u32| {
        asked.set(asked.get() + 1);
        let offset = address.checked_sub(BOTTOM)?;
        let aligned = offset.is_multiple_of(4);
        words.get(offset as usize / 4).copied().filter(|_| aligned)
    };
    let mut calls = Calls::from(ebp);
    let mut seen = Vec::new();
    while let Some(call) = calls.next(word) {
        seen.push(call.to_string());
        assert!(seen.len() <= DEEPEST, "{ebp:x}: no end");
    }
    assert_eq!(calls.next(word), None, "{ebp:x}: over is over");
    assert!(asked.get() <= 7 * (DEEPEST + 2), "{ebp:x}");
    seen
}

fn place(index: usize) -> u32 {
    BOTTOM + index as u32 * 4
}

#[test]
fn pointers_to_nowhere_show_nothing() {
    let words = [0xf010_0000; WORDS];
    let end = place(WORDS);
    for ebp in [
        0,
        1,
        0x1000,
        BOTTOM - 4,
        BOTTOM + 1,
        BOTTOM + 2,
        end - 4,
        end,
        0x7fff_ffff,
        0xffff_fffc,
        u32::MAX,
    ] {
        assert!(calls(ebp, &words).is_empty(), "{ebp:x}");
    }
}

#[test]
fn chains_that_do_not_go_up_end() {
    let mut words = [0; WORDS];
    // To itself; down; and round.
    for (from, to) in [(10, 10), (20, 12), (30, 34), (34, 30)] {
        words[from] = place(to);
        words[from + 1] = 0xf010_0000;
    }
    assert_eq!(calls(place(10), &words).len(), 1);
    assert_eq!(calls(place(20), &words).len(), 1);
    assert_eq!(calls(place(30), &words).len(), 2);
}

#[test]
fn a_chain_without_an_end_is_cut() {
    let words: Vec<u32> = (0..WORDS).map(|index| place(index + 1)).collect();
    assert_eq!(calls(BOTTOM, &words).len(), DEEPEST);
    // Arguments beyond the stack's end are none, and cost no call.
    let last = calls(place(WORDS - 2), &words);
    let shown = "  ebp efff00f8  eip efff0100  args 00000000 00000000 00000000 00000000 00000000";
    assert_eq!(last, [shown]);
}

#[test]
fn at_the_top_of_the_address_space_it_ends() {
    // Every word is readable and leads up, as far as that goes.
    let mut calls = Calls::from(0xffff_ff00);
    let mut count = 0;
    while calls
        .next(|address| Some(address.wrapping_add(0x20)))
        .is_some()
    {
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn rubbish_on_the_stack_does_no_harm() {
    let mut stream = Stream::new(1);
    let mut longest = 0;
    for _ in 0..20_000 {
        let words: [u32; WORDS] = std::array::from_fn(|_| match stream.word() % 4 {
            0 => stream.word(),
            1 => place(stream.word() as usize % WORDS) + stream.word() % 4,
            _ => place(stream.word() as usize % WORDS),
        });
        let seen = calls(place(stream.word() as usize % WORDS), &words);
        longest = longest.max(seen.len());
    }
    assert!(longest > 4, "{longest}");
}

/// Types one command, and keeps what is printed.
struct Person {
    typed: bool,
    seen: String,
}

impl fmt::Write for Person {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.seen.push_str(text);
        Ok(())
    }
}

impl Surroundings for Person {
    fn read_line(&mut self, _: &str, line: &mut [u8; LINE]) -> Option<usize> {
        const COMMAND: &[u8] = b"backtrace";
        line[..COMMAND.len()].copy_from_slice(COMMAND);
        let first = !std::mem::replace(&mut self.typed, true);
        first.then_some(COMMAND.len())
    }

    fn image(&self) -> Image {
        Image {
            entry: 0,
            text: 0,
            data: 0,
            end: 0,
        }
    }

    fn frame_pointer(&self) -> u32 {
        0
    }

    fn stack_word(&self, _: u32) -> Option<u32> {
        None
    }

    fn strays(&self) -> [(&'static str, u32); 3] {
        [("NMI", 0), ("spurious", 0), ("APIC error", 0)]
    }
}

/// Of a program with a page at [`UTEMP`] whose last words are a chain.
fn of_a_program(ebp: u32) -> usize {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    machine.call(CPU0, Call::PageAlloc, [0, UTEMP, 7, 0, 0]);
    let end = UTEMP + PGSIZE;
    for (va, word) in [
        (UTEMP, UTEMP + 0x10),
        (UTEMP + 0x10, end - 8),
        (end - 8, end - 4),
    ] {
        machine.store(CPU0, va, word);
        machine.store(CPU0, va + 4, 0x80_0020);
    }
    let mut frame = TrapFrame::default();
    frame.regs.ebp = ebp;
    let mut person = Person {
        typed: false,
        seen: String::new(),
    };
    monitor::at_breakpoint(&mut person, &machine.kernel, CPU0, &mut frame);
    assert_eq!(machine.kernel.memory().stray(), None, "{ebp:x}");
    person.seen.matches("  args ").count()
}

#[test]
fn a_programs_own_pointer_is_followed_in_its_own_pages() {
    let end = UTEMP + PGSIZE;
    // Whole, from its middle, from the last place where two words are.
    assert_eq!(of_a_program(UTEMP), 3);
    assert_eq!(of_a_program(UTEMP + 0x10), 2);
    assert_eq!(of_a_program(end - 8), 1);
    for ebp in [
        0,
        1,
        3,
        UTEMP - 4,
        end - 4,
        end,
        0xeebf_e000,
        0xef40_0000,
        0xef80_0000,
        0xefc0_0000,
        0xf000_0000,
        0xf010_0000,
        u32::MAX,
    ] {
        assert!(of_a_program(ebp) <= 1, "{ebp:x}");
    }
}
