//! `env_set_trapframe`: every bit of the flags and selectors of every kind, given
//! to the caller itself and to a child.
//!
//! The hard thing is to say what is right without using the kernel's constants. So
//! this file lists the flags that belong to programs once more, bit by bit.

use abi::trap::TRAP_FRAME_WORDS;
use abi::{Call, EnvStatus, Personality, TrapFrame};
use kcore::CpuId;
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const CHILD: u32 = 0x1001;
const RUN: u32 = EnvStatus::Runnable as u32;
const STOP: u32 = EnvStatus::NotRunnable as u32;
/// Where the registers lie.
const PAGE: u32 = 0x40_0000;
/// An edition that has the call.
const PERSONALITY: Personality = Personality::Lab5;

/// Carry, parity, adjust, zero, sign, trap, direction, overflow, alignment check,
/// identification.
const OF_PROGRAMS: [u32; 10] = [0, 2, 4, 6, 7, 8, 10, 11, 18, 21];
const INTERRUPTS: u32 = 1 << 9;

/// Null selectors, the kernel's, the user's, those of the task state, of a local
/// table and beyond the table's end, at all levels; with junk in the upper half.
const SELECTORS: [u32; 21] = [
    0,
    1,
    2,
    3,
    0x08,
    0x0b,
    0x10,
    0x13,
    0x18,
    0x1b,
    0x1f,
    0x20,
    0x21,
    0x23,
    0x27,
    0x28,
    0x2b,
    0x33,
    0xfff8,
    0xffff,
    0xdead_0008,
];

fn call(machine: &mut Machine<'_>, call: Call, arguments: &[u32]) -> Answer {
    let mut all = [0; 5];
    all[..arguments.len()].copy_from_slice(arguments);
    machine.call_as(CPU0, PERSONALITY, call, all)
}

/// Two CPUs, an environment with a page, and its child on the second.
fn with_child(f: impl FnOnce(&mut Machine<'_>)) {
    let spec = Spec {
        cpus: 2,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    machine.boot(0x80_0020, PERSONALITY);
    machine.calm_down();
    assert_eq!(
        call(&mut machine, Call::PageAlloc, &[0, PAGE, 7]),
        Answer::Value(0)
    );
    assert_eq!(call(&mut machine, Call::Exofork, &[]), Answer::Value(CHILD));
    call(&mut machine, Call::EnvSetStatus, &[CHILD, RUN]);
    machine.calm_down();
    assert_eq!(machine.env_on(CPU1).map(|id| id.0 as u32), Some(CHILD));
    f(&mut machine);
}

/// Gives `frame` to the child while it is stopped, and to the caller. Returns the
/// registers of both afterwards.
fn give(machine: &mut Machine<'_>, frame: &TrapFrame) -> [TrapFrame; 2] {
    for (place, word) in (PAGE..).step_by(4).zip(frame.words()) {
        machine.store(CPU0, place, word);
    }
    let status = |machine: &mut Machine<'_>, status| {
        let answer = call(machine, Call::EnvSetStatus, &[CHILD, status]);
        assert_eq!(answer, Answer::Value(0));
        machine.calm_down();
    };
    status(machine, STOP);
    let answer = call(machine, Call::EnvSetTrapframe, &[CHILD, PAGE]);
    assert_eq!(answer, Answer::Value(0), "{frame:x?}");
    assert_eq!(machine.check(), Ok(()), "{frame:x?}");
    status(machine, RUN);
    let answer = call(machine, Call::EnvSetTrapframe, &[0, PAGE]);
    assert_eq!(answer, Answer::Value(0), "{frame:x?}");
    assert_eq!(machine.check(), Ok(()), "{frame:x?}");
    [CPU1, CPU0].map(|cpu| machine.cpu(cpu).frame)
}

/// A frame in which every word is different, so that a mix-up shows.
fn distinct() -> TrapFrame {
    TrapFrame::from_words(std::array::from_fn::<u32, TRAP_FRAME_WORDS, _>(|index| {
        0x0101_0100 * (index as u32 + 1)
    }))
}

/// Asserts that a program got the registers it may set, and no others.
fn is_given(got: &TrapFrame, given: &TrapFrame, eax: u32) {
    let own = OF_PROGRAMS.iter().fold(0, |all, bit| all | 1 << bit);
    let mut wanted = *given;
    wanted.regs.eax = eax;
    wanted.eflags = given.eflags & own | INTERRUPTS;
    (wanted.cs, wanted.ss, wanted.ds, wanted.es) = (0x1b, 0x23, 0x23, 0x23);
    // A return to user mode does not restore these.
    (wanted.trapno, wanted.err) = (got.trapno, got.err);
    wanted.regs.oesp = got.regs.oesp;
    assert_eq!(got, &wanted, "given {given:x?}");
}

/// Checks both; only the caller's eax differs, as it holds the call's result.
fn try_frame(machine: &mut Machine<'_>, frame: &TrapFrame) {
    let [child, caller] = give(machine, frame);
    is_given(&child, frame, frame.regs.eax);
    is_given(&caller, frame, 0);
}

#[test]
fn no_flag_is_given_that_is_not_a_programs_own() {
    with_child(|machine| {
        let alone = (0..32).map(|bit| 1u32 << bit);
        let all_but_one = (0..32).map(|bit| !(1u32 << bit));
        for eflags in alone.chain(all_but_one).chain([0, u32::MAX]) {
            let frame = TrapFrame {
                eflags,
                ..distinct()
            };
            try_frame(machine, &frame);
        }
    });
}

#[test]
fn no_selector_is_given() {
    with_child(|machine| {
        for selector in SELECTORS {
            for which in 0..5 {
                let mut frame = distinct();
                let places = [&mut frame.cs, &mut frame.ss, &mut frame.ds, &mut frame.es];
                for (index, place) in places.into_iter().enumerate() {
                    if which == index || which == 4 {
                        *place = selector;
                    }
                }
                try_frame(machine, &frame);
            }
        }
    });
}
