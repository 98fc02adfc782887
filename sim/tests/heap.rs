//! `sbrk`: what it maps, what it takes away, and that it is all or nothing.

use abi::layout::{PGSIZE, PTSIZE};
use abi::{Call, Error};
use kcore::CpuId;
use sim::image::{Segment, elf};
use sim::machine::call::Answer;
use sim::machine::user::Access;
use sim::machine::{Machine, Program, Spec, Store};

const CPU0: CpuId = CpuId(0);

fn sbrk(machine: &mut Machine<'_>, increment: i32) -> Answer {
    machine.call(CPU0, Call::Sbrk, [increment.cast_unsigned(), 0, 0, 0, 0])
}

/// A program whose highest segment ends in the middle of a page.
fn with_program(store: &mut Store, spec: Spec) -> Machine<'_> {
    let mut machine = Machine::new(store, spec);
    let segment = |va, mem_size| Segment {
        va,
        bytes: vec![1; 16],
        mem_size,
    };
    let image = elf(
        0x80_0020,
        &[segment(0x80_0020, 5000), segment(0x20_0000, 18)],
    );
    let program = Program {
        image: &image,
        ..Program::default()
    };
    machine.boot_program(program).expect("it loads");
    machine.calm_down();
    machine
}

/// Makes a call over so many pages, and all its pieces.
fn grow(machine: &mut Machine<'_>, cpu: CpuId, pages: u32) {
    let Answer::Value(start) = machine.call(cpu, Call::Sbrk, [0; 5]) else {
        panic!("sbrk(0) never fails")
    };
    let answer = machine.call(cpu, Call::Sbrk, [pages * PGSIZE, 0, 0, 0, 0]);
    machine.calm_down();
    assert_eq!(machine.cpu(cpu).frame.regs.eax, start, "{answer:?}");
}

#[test]
fn a_heap_begins_where_the_program_ends_and_grows_by_zeroes() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = with_program(&mut store, spec);
    let start = 0x80_2000;
    assert_eq!(sbrk(&mut machine, 0), Answer::Value(start));
    assert_eq!(machine.access(CPU0, start, true), Access::Fault);
    assert_eq!(sbrk(&mut machine, 1), Answer::Value(start));
    assert_eq!(machine.load(CPU0, start + 4092), Some(0));
    assert!(machine.store(CPU0, start, 7).is_some());
    // The rest of the page is there already.
    assert_eq!(sbrk(&mut machine, 4095), Answer::Value(start + 1));
    assert_eq!(machine.access(CPU0, start + PGSIZE, false), Access::Fault);
    assert_eq!(
        sbrk(&mut machine, 2 * 4096 + 1),
        Answer::Value(start + PGSIZE)
    );
    assert_eq!(machine.load(CPU0, start), Some(7));
    assert_eq!(machine.load(CPU0, start + 3 * PGSIZE), Some(0));
    assert_eq!(
        machine.access(CPU0, start + 4 * PGSIZE, false),
        Access::Fault
    );
    assert_eq!(machine.check(), Ok(()));
}

/// Whether pages that a shrinking heap gave back are gone at once.
pub(crate) fn shrinking_unmaps() -> bool {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = with_program(&mut store, spec);
    let Answer::Value(start) = sbrk(&mut machine, 3 * 4096) else {
        panic!("it grows")
    };
    for page in 0..3 {
        machine.store(CPU0, start + page * PGSIZE, 9);
    }
    assert_eq!(sbrk(&mut machine, -4097), Answer::Value(start + 3 * PGSIZE));
    assert_eq!(machine.load(CPU0, start + PGSIZE), Some(9));
    if machine.access(CPU0, start + 2 * PGSIZE, false) != Access::Fault {
        return false;
    }
    assert_eq!(
        sbrk(&mut machine, 4097),
        Answer::Value(start + 2 * PGSIZE - 1)
    );
    assert_eq!(
        machine.load(CPU0, start + 2 * PGSIZE),
        Some(0),
        "fresh again"
    );
    machine.check() == Ok(())
}

#[test]
fn what_a_heap_gives_back_is_gone() {
    assert!(shrinking_unmaps());
}

#[test]
fn ends_that_cannot_be_are_refused() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = with_program(&mut store, spec);
    for increment in [
        i32::MIN,
        i32::MAX,
        -0x80_2001,
        1025 * 4096,
        -1025 * 4096,
        0x7f7f_e001,
    ] {
        let answer = sbrk(&mut machine, increment);
        assert_eq!(answer, Answer::Failed(Error::Inval), "{increment:#x}");
    }
    assert_eq!(sbrk(&mut machine, 0), Answer::Value(0x80_2000));
}

/// Memory runs out in the middle: nothing was changed.
#[test]
fn all_or_nothing() {
    let spec = Spec {
        frames: 128,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = with_program(&mut store, spec);
    let available = machine.kernel.frames().available();
    let digest = witness::digest::full(&machine.kernel);
    let pages = available as i32;
    assert_eq!(
        sbrk(&mut machine, (pages + 1) * 4096),
        Answer::Failed(Error::NoMem)
    );
    assert_eq!(machine.kernel.frames().available(), available);
    assert_eq!(witness::digest::full(&machine.kernel), digest);
    // A page that is mapped already stays.
    let page = 0x80_2000 + 5 * PGSIZE;
    machine.call(CPU0, Call::PageAlloc, [0, page, 7, 0, 0]);
    machine.store(CPU0, page, 5);
    grow(&mut machine, CPU0, (pages - 1) as u32);
    assert_eq!(machine.load(CPU0, page), Some(5));
    assert_eq!(machine.kernel.frames().available(), 1);
    assert_eq!(machine.check(), Ok(()));
}

#[test]
fn new_page_tables_are_paid_for_once() {
    let spec = Spec {
        frames: 1400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = with_program(&mut store, spec);
    let before = machine.kernel.frames().available();
    grow(&mut machine, CPU0, PTSIZE / PGSIZE);
    // From the middle of one table's span to the middle of the next's.
    assert_eq!(before - machine.kernel.frames().available(), 1024 + 1);
    assert_eq!(machine.check(), Ok(()));
}

#[test]
fn a_child_has_its_parents_end() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = with_program(&mut store, spec);
    sbrk(&mut machine, 100);
    let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
        panic!("exofork returns")
    };
    machine.call(CPU0, Call::EnvSetStatus, [child, 2, 0, 0, 0]);
    machine.tick(CPU0);
    assert_eq!(machine.env_on(CPU0).map(|id| id.0 as u32), Some(child));
    assert_eq!(sbrk(&mut machine, 5000), Answer::Value(0x80_2064));
    machine.tick(CPU0);
    assert_eq!(sbrk(&mut machine, 0), Answer::Value(0x80_2064));
}

/// The memory for a heap may have to come from a dead address space. That space may
/// be large, so other CPUs get the lock meanwhile.
#[test]
fn memory_is_found_in_pieces() {
    const TABLES: u32 = 300;
    let spec = Spec {
        frames: 600,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = with_program(&mut store, spec);
    let Answer::Value(start) = sbrk(&mut machine, 4096) else {
        panic!("it grows")
    };
    let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
        panic!("exofork returns")
    };
    for table in 0..TABLES {
        let place = [0, start, child, table * PTSIZE, 5];
        assert_eq!(machine.call(CPU0, Call::PageMap, place), Answer::Value(0));
    }
    let mut pages = 0;
    while machine.call(
        CPU0,
        Call::PageAlloc,
        [0, 0x1000_0000 + pages * PGSIZE, 7, 0, 0],
    ) == Answer::Value(0)
    {
        pages += 1;
    }
    machine.call(CPU0, Call::EnvDestroy, [child, 0, 0, 0, 0]);
    let wanted = 200 * PGSIZE.cast_signed();
    assert_eq!(sbrk(&mut machine, wanted), Answer::Left(None));
    assert_eq!(machine.kernel.frames().state.set_aside, 0, "not begun");
    assert_eq!(machine.check(), Ok(()));
    machine.calm_down();
    assert_eq!(machine.cpu(CPU0).frame.regs.eax, start + PGSIZE);
    assert_eq!(machine.load(CPU0, start + 200 * PGSIZE), Some(0));
    assert_eq!(machine.check(), Ok(()));
    // There is not that much: the call fails once everything dead is taken apart.
    assert_eq!(sbrk(&mut machine, wanted), Answer::Failed(Error::NoMem));
}

/// No end of a heap can be mistaken for an error, not even the highest.
#[test]
fn the_highest_end_is_no_error() {
    let spec = Spec {
        frames: 1 << 12,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    // A heap that begins near the limit.
    let image = elf(0x80_0020, &[ends_at(0x80_0000), ends_at(0x7fff_d000)]);
    let program = Program {
        image: &image,
        ..Program::default()
    };
    machine.boot_program(program).expect("it loads");
    machine.calm_down();
    assert_eq!(sbrk(&mut machine, 0x2000), Answer::Value(0x7fff_d000));
    for increment in [1, 0x1000, 0x2000, i32::MAX] {
        assert_eq!(sbrk(&mut machine, increment), Answer::Failed(Error::Inval));
    }
    let Answer::Value(end) = sbrk(&mut machine, 0) else {
        panic!("the end is no error")
    };
    assert_eq!(end, 0x7fff_f000);
    assert!(end.cast_signed() > 0);
    assert_eq!(machine.check(), Ok(()));
}

/// A page of a program, the last below `va`.
fn ends_at(va: u32) -> Segment {
    Segment {
        va: va - PGSIZE,
        bytes: vec![1; 16],
        mem_size: PGSIZE,
    }
}

/// Segments above the limit do not count when the heap's beginning is chosen.
#[test]
fn a_heap_begins_below_what_is_out_of_its_reach() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    let image = elf(0x80_0020, &[ends_at(0x80_1000), ends_at(0x9000_0000)]);
    let program = Program {
        image: &image,
        ..Program::default()
    };
    machine.boot_program(program).expect("it loads");
    machine.calm_down();
    assert_eq!(sbrk(&mut machine, 0x1000), Answer::Value(0x80_1000));
    assert_eq!(machine.load(CPU0, 0x80_1000), Some(0));
    assert_eq!(machine.check(), Ok(()));
}

/// Whatever its arguments, `sbrk` never takes a program's own pages.
#[test]
fn a_heap_never_ends_below_its_beginning() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = with_program(&mut store, spec);
    let start = 0x80_2000;
    for grown in [0, 1, 5000] {
        sbrk(&mut machine, grown);
        for beyond in [1, 4096, 1024 * 4096 - 5000, i32::MAX - 5000] {
            let answer = sbrk(&mut machine, -(grown + beyond));
            assert_eq!(answer, Answer::Failed(Error::Inval), "{grown} {beyond}");
        }
        assert_eq!(machine.load(CPU0, start - PGSIZE), Some(0));
        assert_eq!(machine.load(CPU0, 0x80_0020), Some(0x0101_0101));
        let shrunk = sbrk(&mut machine, -grown);
        assert_eq!(shrunk, Answer::Value(start + grown.cast_unsigned()));
    }
    // A child's heap begins where its parent's did.
    let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
        panic!("a child")
    };
    machine.call(CPU0, Call::EnvSetStatus, [child, 2, 0, 0, 0]);
    machine.tick(CPU0);
    assert_eq!(machine.env_on(CPU0).map(|id| id.0 as u32), Some(child));
    assert_eq!(sbrk(&mut machine, -1), Answer::Failed(Error::Inval));
    assert_eq!(sbrk(&mut machine, 0), Answer::Value(start));
    assert_eq!(machine.check(), Ok(()));
}
