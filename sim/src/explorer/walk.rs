//! Random walks, for histories too large to be searched.
//!
//! A walk takes more CPUs, more environments and longer programs than a search
//! could. In each state it chooses one transition at random, and makes the same
//! checks as the search. The hard thing is that a walk proves nothing; it finds
//! bugs that need more actors than the small histories have.

use super::program::{Op, Value};
use super::scenarios::parts::page_to_everybody;
use super::scenarios::{Scenario, Stage};
use super::search::{Trail, check};
use super::transitions::{apply, enabled};
use crate::machine::{Machine, Spec};
use crate::random::Stream;
use abi::Call;
use abi::layout::{PGSIZE, UTOP};

/// Ops of one program, including its jump back.
const LENGTH: usize = 14;
/// How many programs there are, one for each environment at the start.
const PROGRAMS: usize = 6;
/// Where the shared pages are.
const PAGES: u32 = 0x40_0000;

/// A history of random programs on `cpus` CPUs.
pub fn random_scenario(stream: &mut Stream, cpus: u8) -> Scenario {
    let text = (0..PROGRAMS).flat_map(|number| {
        let start = number * LENGTH;
        let mut program: Vec<Op> = Vec::new();
        while program.len() < LENGTH - 2 {
            random_op(stream, &mut program);
        }
        program.resize(LENGTH, Op::Goto(start));
        // So that one op is visible even if all others only look at results.
        program[LENGTH - 2] = Op::Load(PAGES);
        program
    });
    Scenario {
        name: "walk",
        about: "random programs",
        spec: Spec {
            frames: 160,
            module_frames: 1,
            image_frames: 1,
            cpus,
            quantum: 0,
            ..Spec::default()
        },
        text: text.collect(),
        pages: (0..3).map(|page| PAGES + page * PGSIZE).collect(),
        prepare: |stage: &mut Stage<'_, '_>| {
            let starts: Vec<usize> = (1..PROGRAMS).map(|number| number * LENGTH).collect();
            page_to_everybody(stage, PAGES, &starts);
        },
        forbid_stale: true,
        all_end: false,
    }
}

/// Appends a random op, and ops that belong to it.
fn random_op(stream: &mut Stream, program: &mut Vec<Op>) {
    let page = PAGES + stream.word() % 3 * PGSIZE;
    let other = PAGES + stream.word() % 3 * PGSIZE;
    let perm = if stream.word().is_multiple_of(3) {
        5
    } else {
        7
    };
    let id = match stream.word() % 8 {
        0..=2 => 0,
        3..=6 => 0x1000 + stream.word() % 8,
        _ => 0x2000 + stream.word() % 8,
    };
    let status = if stream.word().is_multiple_of(3) {
        4
    } else {
        2
    };
    let or_none = |va| if perm == 5 { UTOP } else { va };
    let (call, arguments) = match stream.word() % 25 {
        0..=4 => return program.push(Op::Load(page)),
        5..=7 => return program.push(Op::Store(page)),
        8 | 9 => (Call::PageAlloc, [id, page, perm, 0, 0]),
        10..=12 => (Call::PageMap, [0, page, id, other, perm]),
        13 => (Call::PageUnmap, [id, page, 0, 0, 0]),
        14..=17 => (Call::EnvSetStatus, [id.max(0x1001), status, 0, 0, 0]),
        18 => (Call::EnvDestroy, [id.max(0x1001), 0, 0, 0, 0]),
        19 => (Call::Yield, [0; 5]),
        20 => (Call::IpcTrySend, [id, 1, or_none(page), perm, 0]),
        21 => (Call::IpcRecv, [or_none(page), 0, 0, 0, 0]),
        22 => (Call::IpcSend, [id, 1, or_none(page), perm, 0]),
        _ => {
            program.push(Op::Call(Call::Exofork, [Value::Is(0); 5]));
            let start = stream.word() as usize % PROGRAMS * LENGTH;
            return program.push(Op::IfZero(start));
        }
    };
    program.push(Op::Call(call, arguments.map(Value::Is)));
}

/// Makes up to `length` random transitions, or stops when none is possible. Returns
/// how many it made, or the path to a violation.
pub fn walk(scenario: &Scenario, stream: &mut Stream, length: usize) -> Result<usize, Trail> {
    scenario.with_machine(|machine| {
        let mut transitions = Vec::new();
        let mut next = Vec::new();
        while transitions.len() < length {
            enabled(machine, scenario, &mut next);
            let Some(&transition) = next.get(stream.word() as usize % next.len().max(1)) else {
                break;
            };
            transitions.push(transition);
            let verdict = apply(machine, scenario, transition).and_then(|()| {
                let audit = transition.enters() && is_free(machine);
                check(machine, scenario, audit)
            });
            if let Err(violation) = verdict {
                return Err(Trail {
                    transitions,
                    violation,
                });
            }
        }
        Ok(transitions.len())
    })
}

fn is_free(machine: &Machine<'_>) -> bool {
    machine.holder.is_none()
}
