//! A dead address space is taken apart in bounded pieces, however large it is.

use abi::Call;
use abi::layout::{PGSIZE, PTSIZE, UTOP};
use kcore::{CpuId, Event};
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
/// A page of the parent's.
const SHARED: u32 = 0x10_0000;

fn spec() -> Spec {
    Spec {
        frames: 4096,
        ..Spec::default()
    }
}

fn value(answer: Answer) -> u32 {
    match answer {
        Answer::Value(value) => value,
        other => panic!("{other:?}"),
    }
}

/// A child that never runs, with the pages that `fill` gives it, is ended. Returns how
/// many frames came back in each step, until all had.
fn end_of_a_child(fill: impl Fn(&mut Machine<'_>, u32)) -> Vec<u32> {
    let spec = spec();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    value(machine.call(CPU0, Call::PageAlloc, [0, SHARED, 7, 0, 0]));
    let at_first = machine.kernel.frames().available();
    let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    fill(&mut machine, child);
    let mut pieces = Vec::new();
    let mut before = machine.kernel.frames().available();
    machine.call(CPU0, Call::EnvDestroy, [child, 0, 0, 0, 0]);
    loop {
        assert_eq!(machine.check(), Ok(()));
        let now = machine.kernel.frames().available();
        pieces.push(now - before);
        before = now;
        if !machine.kernel.has_leftovers() {
            break;
        }
        machine.run_event(CPU0, Event::Wake);
    }
    assert_eq!(before, at_first);
    pieces
}

#[test]
fn a_step_releases_at_most_a_few_hundred_frames() {
    let pieces = end_of_a_child(|machine, child| {
        for page in 0..3000 {
            let arguments = [child, page * PGSIZE, 7, 0, 0];
            value(machine.call(CPU0, Call::PageAlloc, arguments));
        }
    });
    assert!(pieces.iter().all(|&frames| frames < 300), "{pieces:?}");
    assert!(pieces.len() < 20, "{pieces:?}");
}

#[test]
fn a_step_takes_apart_at_most_so_many_tables() {
    let pieces = end_of_a_child(|machine, child| {
        for table in 0..900 {
            let there = [0, SHARED, child, table * PTSIZE, 5];
            value(machine.call(CPU0, Call::PageMap, there));
        }
    });
    assert!(pieces.iter().all(|&tables| tables < 40), "{pieces:?}");
    assert!(pieces.len() < 60, "{pieces:?}");
}

/// Pages that others have too come back to nobody, and are as much work.
#[test]
fn a_step_looks_at_a_bounded_number_of_shared_pages() {
    let pieces = end_of_a_child(|machine, child| {
        for page in 0..3000 {
            let there = [0, SHARED, child, page * PGSIZE, 5];
            value(machine.call(CPU0, Call::PageMap, there));
        }
    });
    assert!(pieces.len() > 10, "{pieces:?}");
}

/// The marks of a directory do not end where the program's part of it does: the last one is
/// for entries of the kernel's too.
#[test]
fn the_kernels_tables_stay_when_the_last_one_of_the_program_is_missing() {
    end_of_a_child(|machine, child| {
        let there = [0, SHARED, child, UTOP - 2 * PTSIZE, 5];
        value(machine.call(CPU0, Call::PageMap, there));
    });
}
