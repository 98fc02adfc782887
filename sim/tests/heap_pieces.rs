//! A long `sbrk` is made in pieces: what others can do in between, and what they cannot.

use abi::layout::PGSIZE;
use abi::{Call, EnvStatus, Personality};
use kcore::CpuId;
use kcore::env::Slot;
use sim::machine::call::Answer;
use sim::machine::user::Access;
use sim::machine::{Machine, Mode, Spec, Store};

/// The parent's.
const CPU0: CpuId = CpuId(0);
/// Its child's.
const CPU1: CpuId = CpuId(1);
/// The child's.
const SLOT: Slot = Slot(1);
/// Where both programs begin.
const ENTRY: u32 = 0x80_0020;
/// A page of the parent's.
const SHARED: u32 = 0x2000_0000;
/// Permissions to read and write.
const RW: u32 = 7;
/// A call over so many pages has three pieces.
const PAGES: u32 = 70;
/// One piece.
const PIECE: u32 = 32;

fn spec() -> Spec {
    Spec {
        cpus: 2,
        ..Spec::default()
    }
}

/// A call by a program of lab 6, which can replace registers.
fn call(machine: &mut Machine<'_>, cpu: CpuId, call: Call, arguments: [u32; 5]) -> Answer {
    machine.call_as(cpu, Personality::Lab6, call, arguments)
}

/// A parent on CPU 0 and its child on CPU 1, whose heap is empty and begins at 0.
/// Returns the child's id too.
fn family(store: &mut Store) -> (Machine<'_>, u32) {
    let mut machine = Machine::new(store, spec());
    machine.boot(ENTRY, Personality::Lab6);
    machine.calm_down();
    let Answer::Value(child) = call(&mut machine, CPU0, Call::Exofork, [0; 5]) else {
        panic!("exofork returns")
    };
    let runnable = EnvStatus::Runnable as u32;
    call(
        &mut machine,
        CPU0,
        Call::EnvSetStatus,
        [child, runnable, 0, 0, 0],
    );
    machine.calm_down();
    assert_eq!(machine.env_on(CPU1).map(|id| id.0 as u32), Some(child));
    (machine, child)
}

/// The child begins to move its heap's end by so many pages.
fn begin(machine: &mut Machine<'_>, pages: i32) {
    let increment = (pages * PGSIZE.cast_signed()).cast_unsigned();
    let answer = call(machine, CPU1, Call::Sbrk, [increment, 0, 0, 0, 0]);
    assert_eq!(answer, Answer::Left(None));
    assert_eq!(machine.check(), Ok(()));
}

/// One more step of the child's CPU.
fn go_on(machine: &mut Machine<'_>) {
    machine.enter(CPU1);
    machine.complete();
    assert_eq!(machine.check(), Ok(()));
}

/// Where the child's heap ends, in pages.
fn end(machine: &Machine<'_>) -> u32 {
    machine.kernel.envs()[SLOT].heap_end / PGSIZE
}

fn finish(machine: &mut Machine<'_>, result: u32) {
    while machine.kernel.envs()[SLOT].heap_move().is_some() {
        go_on(machine);
    }
    machine.calm_down();
    assert_eq!(machine.cpu(CPU1).mode, Mode::User);
    assert_eq!(machine.cpu(CPU1).frame.regs.eax, result);
    assert_eq!(machine.kernel.frames().state.set_aside, 0);
    assert_eq!(machine.check(), Ok(()));
}

fn available(machine: &Machine<'_>) -> u32 {
    machine.kernel.frames().available()
}

#[test]
fn other_cpus_get_the_lock_between_the_pieces() {
    let mut store = Store::new(&spec());
    let (mut machine, _) = family(&mut store);
    let before = available(&machine);
    begin(&mut machine, PAGES as i32);
    for reached in [PIECE, 2 * PIECE] {
        assert_eq!(end(&machine), reached);
        // All of it is spoken for, mapped or not.
        assert_eq!(before - available(&machine), PAGES + 1);
        let parent = call(&mut machine, CPU0, Call::GetEnvId, [0; 5]);
        assert_eq!(parent, Answer::Value(0x1000));
        go_on(&mut machine);
    }
    finish(&mut machine, 0);
    assert_eq!(before - available(&machine), PAGES + 1);
    begin(&mut machine, -(PAGES as i32));
    assert_eq!(end(&machine), PAGES - PIECE);
    finish(&mut machine, PAGES * PGSIZE);
    assert_eq!(before - available(&machine), 1, "the page table");
    assert_eq!(machine.access(CPU1, 0, false), Access::Fault);
}

/// Takes all memory that there is for the parent.
fn use_up(machine: &mut Machine<'_>) {
    let mut va = 0x4000_0000;
    while call(machine, CPU0, Call::PageAlloc, [0, va, RW, 0, 0]) == Answer::Value(0) {
        va += PGSIZE;
    }
    assert!(va > 0x4000_0000 + 50 * PGSIZE);
}

/// Whether a call that has begun gets its memory, whatever others ask for meanwhile.
pub(crate) fn keeps_its_memory() -> bool {
    let mut store = Store::new(&spec());
    let (mut machine, child) = family(&mut store);
    // A page that the call finds mapped at first, until the parent takes it away.
    let late = 60 * PGSIZE;
    call(&mut machine, CPU0, Call::PageAlloc, [child, late, RW, 0, 0]);
    begin(&mut machine, PAGES as i32);
    call(&mut machine, CPU0, Call::PageUnmap, [child, late, 0, 0, 0]);
    use_up(&mut machine);
    machine.calm_down();
    machine.cpu(CPU1).frame.regs.eax == 0 && machine.load(CPU1, late) == Some(0)
}

#[test]
fn no_later_piece_fails() {
    assert!(keeps_its_memory());
}

/// Each page is as if the parent had come before or after the whole call.
#[test]
fn a_parent_may_change_the_same_pages() {
    let mut store = Store::new(&spec());
    let (mut machine, child) = family(&mut store);
    let page = |number: u32| number * PGSIZE;
    let map = |machine: &mut Machine<'_>, number| {
        let made = [child, page(number), RW, 0, 0];
        assert_eq!(call(machine, CPU0, Call::PageAlloc, made), Answer::Value(0));
        let shared = [child, page(number), 0, SHARED, RW];
        assert_eq!(call(machine, CPU0, Call::PageMap, shared), Answer::Value(0));
        machine.store(CPU0, SHARED, number);
    };
    let unmap = |machine: &mut Machine<'_>, number| {
        call(
            machine,
            CPU0,
            Call::PageUnmap,
            [child, page(number), 0, 0, 0],
        );
    };
    begin(&mut machine, PAGES as i32);
    // Before the call has come there, the one is mapped, the other not.
    map(&mut machine, 40);
    unmap(&mut machine, 41);
    // The call was there before.
    map(&mut machine, 10);
    unmap(&mut machine, 11);
    finish(&mut machine, 0);
    assert_eq!(machine.load(CPU1, page(40)), Some(40), "the parent's");
    assert_eq!(machine.load(CPU1, page(41)), Some(0));
    assert_eq!(machine.load(CPU1, page(10)), Some(10), "the parent's");
    assert_eq!(machine.access(CPU1, page(11), false), Access::Fault);
    begin(&mut machine, -(PAGES as i32));
    map(&mut machine, 5);
    map(&mut machine, 60);
    finish(&mut machine, page(PAGES));
    assert_eq!(machine.access(CPU1, page(5), false), Access::Fault);
    assert_eq!(machine.load(CPU1, page(60)), Some(60), "mapped afterwards");
}

/// The heap of a call that is abandoned ends where the call had got to.
#[test]
fn an_abandoned_call_keeps_nothing_aside() {
    let mut store = Store::new(&spec());
    let (mut machine, child) = family(&mut store);
    let before = available(&machine);
    begin(&mut machine, PAGES as i32);
    call(&mut machine, CPU0, Call::PageAlloc, [0, SHARED, RW, 0, 0]);
    let elsewhere = [child, SHARED, 0, 0, 0];
    let answer = call(&mut machine, CPU0, Call::EnvSetTrapframe, elsewhere);
    assert_eq!(answer, Answer::Value(0));
    machine.calm_down();
    assert_eq!(machine.check(), Ok(()));
    assert_eq!(machine.kernel.frames().state.set_aside, 0);
    // The parent's page and its table, the pages of one piece and their table.
    assert_eq!(before - available(&machine), 2 + PIECE + 1);
    let answer = call(&mut machine, CPU1, Call::Sbrk, [PGSIZE, 0, 0, 0, 0]);
    assert_eq!(answer, Answer::Value(PIECE * PGSIZE));
    assert_eq!(machine.load(CPU1, PIECE * PGSIZE), Some(0));
}

#[test]
fn the_dead_keep_nothing_aside() {
    let mut store = Store::new(&spec());
    let (mut machine, child) = family(&mut store);
    let before = available(&machine);
    begin(&mut machine, PAGES as i32);
    call(&mut machine, CPU0, Call::EnvDestroy, [child, 0, 0, 0, 0]);
    machine.calm_down();
    machine.clean_up(CPU0);
    assert_eq!(machine.check(), Ok(()));
    // Its page directory is free too.
    assert_eq!(available(&machine), before + 1);
}
