//! `page_ranges` step by step: what one step may do, and what may happen between two.

use abi::layout::{PGSIZE, PTSIZE, USTACKTOP};
use abi::{Call, EnvId, PageRange, Personality};
use kcore::paging::UserPage;
use kcore::{CpuId, Event, Pfn};
use sim::machine::call::{Answer, set_call};
use sim::machine::user::Access;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const CPU2: CpuId = CpuId(2);
/// A page that holds the list.
const LIST: u32 = USTACKTOP - PGSIZE;
const A: u32 = 0x40_0000;
const B: u32 = 0x80_0000;
const C: u32 = 0x1000_0000;
const W: u32 = 7;
const R: u32 = 5;

fn machine(store: &mut Store, spec: Spec) -> Machine<'_> {
    let mut machine = Machine::with_one_env(store, spec);
    machine.calm_down();
    machine
}

fn call_on(machine: &mut Machine<'_>, cpu: CpuId, call: Call, arguments: [u32; 5]) -> u32 {
    match machine.call(cpu, call, arguments) {
        Answer::Value(value) => value,
        other => panic!("{call:?}: {other:?}"),
    }
}

fn call(machine: &mut Machine<'_>, number: Call, arguments: [u32; 5]) -> u32 {
    call_on(machine, CPU0, number, arguments)
}

fn alloc(machine: &mut Machine<'_>, id: u32, va: u32, perm: u32) {
    call(machine, Call::PageAlloc, [id, va, perm, 0, 0]);
}

fn child(machine: &mut Machine<'_>) -> u32 {
    call(machine, Call::Exofork, [0; 5])
}

/// Lets a child run on an idle CPU, or when it is its turn.
fn start(machine: &mut Machine<'_>, id: u32) {
    call(machine, Call::EnvSetStatus, [id, 2, 0, 0, 0]);
    machine.calm_down();
}

fn write_list(machine: &mut Machine<'_>, list: &[PageRange]) {
    for (index, word) in (0..).zip(list.iter().flat_map(PageRange::words)) {
        machine.store(CPU0, LIST + index * 4, word).expect("a page");
    }
}

/// The environment on `cpu` makes a call, whose effects are still to be done.
fn first_half(machine: &mut Machine<'_>, cpu: CpuId, call: Call, arguments: [u32; 5]) {
    let number = Personality::Lab4.number(call).expect("every lab has it");
    set_call(&mut machine.cpu_mut(cpu).frame, number, arguments);
    machine.trap(cpu, Event::Syscall);
    machine.enter(cpu);
}

fn is_on(machine: &Machine<'_>, cpu: CpuId, id: u32) -> bool {
    machine.env_on(cpu) == Some(EnvId(id as i32))
}

/// The frame of a page of `id`, if it is mapped.
fn frame_of(machine: &Machine<'_>, id: u32, va: u32) -> Option<Pfn> {
    let kernel = &machine.kernel;
    let slot = kernel.envs().find(EnvId(id as i32)).expect("it is alive");
    let page = UserPage::new(va).expect("a page of the user");
    let entry = kernel.envs()[slot].space.entry(kernel.memory(), page);
    entry.is_present().then(|| entry.frame())
}

/// While another CPU still uses what a page replaced, the frame becomes nothing else:
/// not even if only a dead address space had it too, and memory is short.
#[test]
fn a_frame_in_use_elsewhere_does_not_become_a_page_table() {
    let spec = Spec {
        cpus: 2,
        frames: 400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    let at = B - PGSIZE;
    let (runner, dead) = (child(&mut machine), child(&mut machine));
    alloc(&mut machine, 0, C, W);
    alloc(&mut machine, 0, C + PGSIZE, W);
    call(&mut machine, Call::PageMap, [0, C, runner, at, W]);
    // The dead one has the frame, one of its own, and much that frees nothing.
    for index in 0..600 {
        let va = A + index * PGSIZE;
        match index {
            300 => call(&mut machine, Call::PageMap, [0, C, dead, va, W]),
            301 => call(&mut machine, Call::PageAlloc, [dead, va, W, 0, 0]),
            _ => call(&mut machine, Call::PageMap, [0, C + PGSIZE, dead, va, R]),
        };
    }
    call(&mut machine, Call::PageUnmap, [0, C, 0, 0, 0]);
    start(&mut machine, runner);
    assert!(is_on(&machine, CPU1, runner));
    machine.store(CPU1, at, 1).expect("now it is remembered");
    let used = frame_of(&machine, runner, at).expect("a page");
    let mut next = C + 2 * PGSIZE;
    // Enough for the first page, and not for the second and its page table.
    while machine.kernel.frames().available() > 2 {
        alloc(&mut machine, 0, next, W);
        next += PGSIZE;
    }
    let fresh = PageRange {
        action: PageRange::ALLOC,
        target: EnvId(runner as i32),
        target_va: at,
        pages: 2,
        set: W as u16,
        ..PageRange::default()
    };
    write_list(&mut machine, &[fresh]);
    call(&mut machine, Call::EnvDestroy, [dead, 0, 0, 0, 0]);
    first_half(&mut machine, CPU0, Call::PageRanges, [LIST, 1, 0, 0, 0]);
    // The other CPU has not flushed yet, and its program goes on.
    let slot = machine.kernel.envs().find(EnvId(runner as i32));
    let space = machine.kernel.envs()[slot.expect("it is alive")].space;
    let table = space.directory_entry(machine.kernel.memory(), B);
    assert!(!table.is_present() || table.frame() != used);
    machine.store(CPU1, at + 4, 1 << 12 | W);
    machine.complete();
    machine.calm_down();
    assert_eq!(machine.check(), Ok(()));
}

/// A child runs on CPU 1 and remembers its page at [`A`]. Whoever gets CPU 0 next has a
/// pending call, which asks CPU 2 for something.
fn with_pending_unmap(f: impl FnOnce(&mut Machine<'_>, u32)) {
    let spec = Spec {
        cpus: 3,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    let other = child(&mut machine);
    alloc(&mut machine, other, A, W);
    start(&mut machine, other);
    assert!(is_on(&machine, CPU1, other));
    let grandchild = call_on(&mut machine, CPU1, Call::Exofork, [0; 5]);
    let map = [0, A, grandchild, A, W];
    call_on(&mut machine, CPU1, Call::PageMap, map);
    let run = [grandchild, 2, 0, 0, 0];
    call_on(&mut machine, CPU1, Call::EnvSetStatus, run);
    machine.calm_down();
    assert!(is_on(&machine, CPU2, grandchild));
    machine.load(CPU2, A);
    let user = child(&mut machine);
    alloc(&mut machine, user, A, W);
    // The other one is stopped when it is about to unmap its child's page.
    let number = Personality::Lab4.number(Call::PageUnmap).expect("a call");
    let unmap = [grandchild, A, 0, 0, 0];
    set_call(&mut machine.cpu_mut(CPU1).frame, number, unmap);
    machine.trap(CPU1, Event::Syscall);
    call(&mut machine, Call::EnvSetStatus, [other, 4, 0, 0, 0]);
    machine.calm_down();
    start(&mut machine, user);
    assert!(is_on(&machine, CPU1, user));
    machine.store(CPU1, A, 1).expect("now it is remembered");
    call(&mut machine, Call::EnvSetStatus, [other, 2, 0, 0, 0]);
    f(&mut machine, user);
    assert_eq!(machine.check(), Ok(()));
}

/// A caller whose list is in a page that it cannot write ends before another CPU has
/// been asked for anything.
#[test]
fn who_cannot_write_its_list_asks_nobody() {
    with_pending_unmap(|machine, user| {
        let take = PageRange {
            action: PageRange::UNMAP,
            target: EnvId(user as i32),
            target_va: A,
            pages: 1,
            ..PageRange::default()
        };
        write_list(machine, &[take]);
        call(machine, Call::PageMap, [0, LIST, 0, B, R]);
        let own = machine.env_on(CPU0).expect("somebody runs");
        first_half(machine, CPU0, Call::PageRanges, [B, 1, 0, 0, 0]);
        machine.complete();
        machine.calm_down();
        assert!(machine.kernel.envs().find(own).is_none());
        assert!(matches!(machine.access(CPU1, A, true), Access::Hit(_)));
        assert!(frame_of(machine, user, A).is_some());
    });
}

/// Nor does a list that takes the right to write its own page away end its owner in a
/// step that has asked a CPU for something.
#[test]
fn a_list_that_locks_itself_ends_its_owner_later() {
    with_pending_unmap(|machine, user| {
        let lock = PageRange {
            action: PageRange::SHARE | PageRange::BOTH,
            source_va: LIST,
            target: EnvId(user as i32),
            target_va: A,
            pages: 1,
            clear: 2,
            ..PageRange::default()
        };
        write_list(machine, &[lock]);
        let own = machine.env_on(CPU0).expect("somebody runs");
        first_half(machine, CPU0, Call::PageRanges, [LIST, 1, 0, 0, 0]);
        machine.complete();
        machine.calm_down();
        // The child's old page is gone at once.
        assert!(!matches!(machine.access(CPU1, A, true), Access::Hit(_)));
        for _ in 0..4 {
            machine.tick(CPU0);
            machine.calm_down();
        }
        assert!(machine.kernel.envs().find(own).is_none());
    });
}

/// What a traced run does at each step is what an untraced one does.
#[test]
fn who_watches_changes_no_step() {
    const PAGES: u32 = 600;
    let steps = |trace| {
        let spec = Spec {
            frames: 900,
            trace,
            ..Spec::default()
        };
        let mut store = Store::new(&spec);
        let mut machine = machine(&mut store, spec);
        let own = machine.env_on(CPU0);
        let child = child(&mut machine);
        machine.boot(0x80_0020, Personality::Lab4);
        for index in 0..PAGES {
            alloc(&mut machine, 0, C + index * PGSIZE, W);
        }
        let share = PageRange {
            action: PageRange::SHARE | PageRange::BOTH,
            target: EnvId(child as i32),
            pages: LIST / PGSIZE,
            clear: 2,
            ..PageRange::default()
        };
        write_list(&mut machine, &[share]);
        machine.call(CPU0, Call::PageRanges, [LIST, 1, 0, 0, 0]);
        let mut done = Vec::new();
        loop {
            let pages = (0..PAGES).map(|index| C + index * PGSIZE);
            let shared = pages.filter(|&va| frame_of(&machine, child, va).is_some());
            done.push((shared.count(), machine.kernel.outbox().flush));
            machine.calm_down();
            if machine.env_on(CPU0) == own {
                return done;
            }
            machine.tick(CPU0);
        }
    };
    let untraced = steps(0);
    assert!(untraced.len() > 2, "it is divided");
    assert_eq!(untraced, steps(1 << 16));
    // What a step names to flush is its own.
    let mut before = 0;
    for (shared, flush) in untraced {
        let index = (flush - C) / PGSIZE;
        assert!((before..shared).contains(&(index as usize)), "{index}");
        before = shared;
    }
}

/// To find memory is work too: a step takes one piece of a dead address space apart.
#[test]
fn shortage_counts() {
    let spec = Spec {
        frames: 400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    let dead = child(&mut machine);
    alloc(&mut machine, 0, C, W);
    let much = frame_of(&machine, machine.env_on(CPU0).expect("it runs").0 as u32, C);
    // A piece gives back a frame at most.
    for index in 0..8 * 1024 {
        let va = A + index * PGSIZE;
        match index % 256 {
            100 => call(&mut machine, Call::PageAlloc, [dead, va, W, 0, 0]),
            _ => call(&mut machine, Call::PageMap, [0, C, dead, va, R]),
        };
    }
    let mut next = C + PTSIZE;
    while machine.kernel.frames().available() > 0 {
        alloc(&mut machine, 0, next, W);
        next += PGSIZE;
    }
    let fresh = PageRange {
        action: PageRange::ALLOC,
        target_va: next,
        pages: 20,
        set: W as u16,
        ..PageRange::default()
    };
    write_list(&mut machine, &[fresh]);
    call(&mut machine, Call::EnvDestroy, [dead, 0, 0, 0, 0]);
    let count = |machine: &Machine<'_>| machine.kernel.frames().count(much.expect("a page"));
    let before = count(&machine);
    first_half(&mut machine, CPU0, Call::PageRanges, [LIST, 1, 0, 0, 0]);
    let released = before - count(&machine);
    assert!((1..=256).contains(&released), "{released} in a step");
    machine.complete();
    machine.calm_down();
    assert_eq!(machine.cpu(CPU0).frame.regs.eax, 1);
    assert_eq!(machine.check(), Ok(()));
}

/// To make a page table is work too.
#[test]
fn page_tables_count() {
    const TABLES: u32 = 60;
    let spec = Spec {
        frames: 400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    let child = child(&mut machine);
    machine.boot(0x80_0020, Personality::Lab4);
    for table in 1..=TABLES {
        alloc(&mut machine, 0, table * PTSIZE, R);
    }
    let before = machine.kernel.frames().available();
    let share = PageRange {
        target: EnvId(child as i32),
        pages: LIST / PGSIZE,
        ..PageRange::default()
    };
    write_list(&mut machine, &[share]);
    machine.call(CPU0, Call::PageRanges, [LIST, 1, 0, 0, 0]);
    let made = before - machine.kernel.frames().available();
    assert!((1..=32).contains(&made), "{made} tables in a step");
}
