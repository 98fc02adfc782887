//! Forks of forks, pages with hundreds of owners, and parents that die while they
//! fork: every frame and every slot comes back.
//!
//! The hard thing is that a fork is many calls, and that parent or child may die
//! between any two of them, or during one.

use abi::layout::{PGSIZE, UXSTACKTOP};
use abi::{Call, EnvStatus, Personality};
use kcore::{CpuId, Event, Pfn};
use sim::audit::census;
use sim::machine::call::{Answer, set_call};
use sim::machine::{Machine, Mode, Spec, Store};
use sim::mmu::walk;

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const RUN: u32 = EnvStatus::Runnable as u32;
const FIRST: u32 = 0x1000;
/// Pages that a family shares, and that each member writes to.
const PAGES: [u32; 3] = [0x40_0000, 0x40_1000, 0x7f_f000];
/// A free address in the same page table as the first two.
const SCRATCH: u32 = 0x50_0000;
const RW: u32 = 7;
/// Permissions: readable, and marked as copy-on-write.
const COPY_ON_WRITE: u32 = 0x805;

fn value(answer: Answer) -> u32 {
    match answer {
        Answer::Value(value) => value,
        other => panic!("{other:?}"),
    }
}

fn call(machine: &mut Machine<'_>, cpu: CpuId, call: Call, arguments: &[u32]) -> u32 {
    let mut all = [0; 5];
    all[..arguments.len()].copy_from_slice(arguments);
    value(machine.call(cpu, call, all))
}

/// The calls of a copy-on-write fork after the first, in order.
fn rest_of_fork(child: u32) -> Vec<(Call, [u32; 5])> {
    let mut calls = Vec::new();
    for va in PAGES {
        calls.push((Call::PageMap, [0, va, child, va, COPY_ON_WRITE]));
        calls.push((Call::PageMap, [0, va, 0, va, COPY_ON_WRITE]));
    }
    let exception_stack = UXSTACKTOP - PGSIZE;
    calls.push((Call::PageAlloc, [child, exception_stack, RW, 0, 0]));
    calls.push((Call::EnvSetPgfaultUpcall, [child, 0x80_0abc, 0, 0, 0]));
    calls.push((Call::EnvSetStatus, [child, RUN, 0, 0, 0]));
    calls
}

fn fork(machine: &mut Machine<'_>, cpu: CpuId) -> u32 {
    let child = call(machine, cpu, Call::Exofork, &[]);
    for (which, arguments) in rest_of_fork(child) {
        value(machine.call(cpu, which, arguments));
    }
    child
}

/// Writes a word to a page, after copying the page if that is necessary.
fn write(machine: &mut Machine<'_>, va: u32, word: u32) {
    let kept = machine.load(CPU0, va).expect("readable");
    call(machine, CPU0, Call::PageAlloc, &[0, SCRATCH, RW]);
    machine.store(CPU0, SCRATCH, kept);
    call(machine, CPU0, Call::PageMap, &[0, SCRATCH, 0, va, RW]);
    call(machine, CPU0, Call::PageUnmap, &[0, SCRATCH]);
    machine.store(CPU0, va, word).expect("writeable");
}

fn switch_to(machine: &mut Machine<'_>, id: u32) {
    for _ in 0..1000 {
        if machine.env_on(CPU0).map(|id| id.0 as u32) == Some(id) {
            return;
        }
        machine.tick(CPU0);
    }
    panic!("{id:x} never runs");
}

fn frame_at(machine: &Machine<'_>, cpu: CpuId, va: u32) -> Pfn {
    let found = walk(machine.kernel.memory(), machine.cpu(cpu).cr3, va);
    found.expect("mapped").frame
}

#[test]
fn nine_generations_keep_what_each_wrote() {
    const GENERATIONS: u32 = 9;
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    for va in PAGES {
        call(&mut machine, CPU0, Call::PageAlloc, &[0, va, RW]);
        machine.store(CPU0, va, FIRST + va);
    }
    let mut family = vec![FIRST];
    for _ in 0..GENERATIONS {
        let child = fork(&mut machine, CPU0);
        switch_to(&mut machine, child);
        // By now each member has its own first page; the last page is still shared.
        write(&mut machine, PAGES[0], child + PAGES[0]);
        family.push(child);
        assert_eq!(machine.check(), Ok(()));
    }
    let shared = frame_at(&machine, CPU0, PAGES[2]);
    assert_eq!(machine.kernel.frames().count(shared), GENERATIONS + 1);
    // The eldest writes last; by the middle page nobody shares any more.
    for &id in &family {
        switch_to(&mut machine, id);
        write(&mut machine, PAGES[1], id + PAGES[1]);
    }
    for &id in family.iter().rev() {
        switch_to(&mut machine, id);
        let read = PAGES.map(|va| machine.load(CPU0, va).expect("readable") - va);
        assert_eq!(read, [id, id, FIRST]);
    }
    // From the middle outwards, so that the others lose their parent or child.
    for index in [5, 4, 6, 3, 7, 2, 8, 1, 9] {
        let id = family[index];
        switch_to(&mut machine, id);
        machine.call(CPU0, Call::EnvDestroy, [0; 5]);
        machine.clean_up(CPU0);
        assert_eq!(machine.check(), Ok(()));
    }
    for va in PAGES {
        call(&mut machine, CPU0, Call::PageUnmap, &[0, va]);
    }
    // Everything but the page table that the pages needed.
    let (alive, used) = census(&machine.kernel);
    assert_eq!((alive, used), (1, at_boot.1 + 1));
}

#[test]
fn three_hundred_share_a_page() {
    const SHARERS: u32 = 300;
    let spec = Spec {
        frames: 1200,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let [page, ..] = PAGES;
    call(&mut machine, CPU0, Call::PageAlloc, &[0, page, RW]);
    let with_page = census(&machine.kernel);
    let frame = frame_at(&machine, CPU0, page);
    let count = |machine: &Machine<'_>| machine.kernel.frames().count(frame);
    let mut sharers = Vec::new();
    for _ in 0..SHARERS {
        let child = call(&mut machine, CPU0, Call::Exofork, &[]);
        call(
            &mut machine,
            CPU0,
            Call::PageMap,
            &[0, page, child, page, RW],
        );
        call(&mut machine, CPU0, Call::EnvSetStatus, &[child, RUN]);
        sharers.push(child);
    }
    assert_eq!(count(&machine), SHARERS + 1);
    // Each sees what the one before it wrote.
    machine.store(CPU0, page, 0);
    for (number, &id) in (0..).zip(&sharers) {
        switch_to(&mut machine, id);
        assert_eq!(machine.load(CPU0, page), Some(number), "{id:x}");
        machine.store(CPU0, page, number + 1);
    }
    switch_to(&mut machine, FIRST);
    assert_eq!(machine.load(CPU0, page), Some(SHARERS));
    // Seven and their number have no common factor, so each comes once.
    for index in 0..SHARERS {
        let id = sharers[(index * 7 % SHARERS) as usize];
        call(&mut machine, CPU0, Call::EnvDestroy, &[id]);
        machine.clean_up(CPU0);
        assert_eq!(count(&machine), SHARERS - index);
        if index % 50 == 0 {
            assert_eq!(machine.check(), Ok(()));
        }
    }
    assert_eq!(machine.load(CPU0, page), Some(SHARERS));
    assert_eq!(census(&machine.kernel), with_page);
}

/// How far into a call the parent gets.
#[derive(Clone, Copy, Debug)]
enum Depth {
    /// It is about to make the call.
    Before,
    /// It waits for the lock.
    Entered,
    /// It was stopped in the call and started again; the call is made then.
    Stopped,
}

/// Lets the parent on CPU 1 fork up to a certain call, and destroys it there.
fn kill_in_fork(machine: &mut Machine<'_>, calls: usize, depth: Depth) {
    let parent = call(machine, CPU0, Call::Exofork, &[]);
    for va in PAGES {
        call(machine, CPU0, Call::PageAlloc, &[parent, va, RW]);
    }
    call(machine, CPU0, Call::EnvSetStatus, &[parent, RUN]);
    machine.calm_down();
    assert_eq!(machine.env_on(CPU1).map(|id| id.0 as u32), Some(parent));
    let mut done = 0;
    let mut next = (Call::Exofork, [0; 5]);
    let mut rest = Vec::new().into_iter();
    while done < calls {
        let answer = value(machine.call(CPU1, next.0, next.1));
        if done == 0 {
            rest = rest_of_fork(answer).into_iter();
        }
        done += 1;
        // When one fork is complete, it begins another.
        next = rest.next().unwrap_or((Call::Exofork, [0; 5]));
    }
    if !matches!(depth, Depth::Before) {
        let number = Personality::Lab4.number(next.0).expect("a call");
        set_call(&mut machine.cpu_mut(CPU1).frame, number, next.1);
        machine.trap(CPU1, Event::Syscall);
        assert!(matches!(machine.cpu(CPU1).mode, Mode::Waiting(_)));
    }
    if matches!(depth, Depth::Stopped) {
        let stop = EnvStatus::NotRunnable as u32;
        call(machine, CPU0, Call::EnvSetStatus, &[parent, stop]);
        call(machine, CPU0, Call::EnvSetStatus, &[parent, RUN]);
    }
    call(machine, CPU0, Call::EnvDestroy, &[parent]);
    machine.calm_down();
    assert_eq!(machine.check(), Ok(()), "{calls} {depth:?}");
}

#[test]
fn a_fork_may_end_at_any_of_its_calls() {
    let spec = Spec {
        cpus: 2,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    let length = 1 + rest_of_fork(0).len();
    let mut kills = 0;
    for _ in 0..5 {
        for calls in 0..=length {
            for depth in [Depth::Before, Depth::Entered, Depth::Stopped] {
                kill_in_fork(&mut machine, calls, depth);
                kills += 1;
                // A child that had been started outlives its parent.
                while machine.env_on(CPU1).is_some() {
                    machine.call(CPU1, Call::EnvDestroy, [0; 5]);
                }
                machine.clean_up(CPU0);
                assert_eq!(census(&machine.kernel), at_boot, "{calls} {depth:?}");
            }
        }
    }
    assert!(kills >= 150, "{kills}");
}
