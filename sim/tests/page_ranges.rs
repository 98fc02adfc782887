//! `page_copy` and `page_ranges`: what they map, and that long lists are divided.

use abi::layout::{PGSIZE, PTSIZE, USTACKTOP, UTOP};
use abi::{Call, EnvId, Error, PageRange, Perm, Personality};
use kcore::paging::{Pte, UserPage};
use kcore::{CpuId, Pfn};
use sim::machine::call::Answer;
use sim::machine::user::Access;
use sim::machine::{Machine, Mode, Spec, Store};

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
/// A page that holds the list.
const LIST: u32 = USTACKTOP - PGSIZE;
/// Where the ranges are.
const A: u32 = 0x40_0000;
const B: u32 = 0x80_0000;
const W: u32 = 7;
const R: u32 = 5;
const COW: u16 = 0x800;
const SHARE: u32 = 0x400;

/// The rule by which a fork shares what may be written.
const FORK: PageRange = PageRange {
    action: PageRange::SHARE | PageRange::BOTH | PageRange::REST,
    source: EnvId(0),
    source_va: 0,
    target: EnvId(0),
    target_va: 0,
    pages: LIST / PGSIZE,
    any: 0x802,
    none: 0x400,
    clear: 2,
    set: COW,
    done: 0,
    result: 0,
};

fn machine(store: &mut Store, spec: Spec) -> Machine<'_> {
    let mut machine = Machine::with_one_env(store, spec);
    machine.calm_down();
    machine
}

fn call(machine: &mut Machine<'_>, call: Call, arguments: [u32; 5]) -> u32 {
    match machine.call(CPU0, call, arguments) {
        Answer::Value(value) => value,
        other => panic!("{call:?}: {other:?}"),
    }
}

fn alloc(machine: &mut Machine<'_>, id: u32, va: u32, perm: u32) {
    call(machine, Call::PageAlloc, [id, va, perm, 0, 0]);
}

/// Makes a child that has never run.
fn child(machine: &mut Machine<'_>) -> EnvId {
    EnvId(call(machine, Call::Exofork, [0; 5]) as i32)
}

/// Writes a list to [`LIST`] and has it worked through. If that takes several steps,
/// the caller has them all, unless others want the CPU.
fn ranges(machine: &mut Machine<'_>, list: &[PageRange]) -> Answer {
    write_list(machine, list);
    let own = machine.env_on(CPU0);
    let length = list.len() as u32;
    let answer = machine.call(CPU0, Call::PageRanges, [LIST, length, 0, 0, 0]);
    machine.calm_down();
    match answer {
        Answer::Left(None) if machine.env_on(CPU0) == own => {
            Answer::Value(machine.cpu(CPU0).frame.regs.eax)
        }
        Answer::Left(_) => Answer::Left(machine.env_on(CPU0)),
        _ => answer,
    }
}

/// A quantum ends.
fn turn(machine: &mut Machine<'_>) {
    machine.tick(CPU0);
    machine.calm_down();
}

fn write_list(machine: &mut Machine<'_>, list: &[PageRange]) {
    for (index, word) in (0..).zip(list.iter().flat_map(PageRange::words)) {
        machine.store(CPU0, LIST + index * 4, word).expect("a page");
    }
}

/// What stands in the entry with this index.
fn noted(machine: &mut Machine<'_>, index: u32) -> PageRange {
    let start = LIST + index * PageRange::SIZE;
    let words = std::array::from_fn(|word| {
        let word = machine.load(CPU0, start + word as u32 * 4);
        word.expect("a page")
    });
    PageRange::from_words(words)
}

/// The frame and permissions of a page of `id`, if it is mapped.
fn page(machine: &Machine<'_>, id: EnvId, va: u32) -> Option<(Pfn, u32)> {
    let kernel = &machine.kernel;
    let slot = kernel.envs().find(id).expect("it is alive");
    let page = UserPage::new(va).expect("a page of the user");
    let entry: Pte = kernel.envs()[slot].space.entry(kernel.memory(), page);
    let perm = entry.without_usage().perm();
    entry.is_present().then(|| (entry.frame(), perm.bits()))
}

fn own_id(machine: &Machine<'_>) -> EnvId {
    machine.env_on(CPU0).expect("somebody runs")
}

#[test]
fn a_list_does_what_a_fork_needs() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    let own = own_id(&machine);
    let perms = [W, R, W | SHARE, R | u32::from(COW), W | 0x200];
    for (index, perm) in (0..).zip(perms) {
        alloc(&mut machine, 0, A + 2 * index * PGSIZE, perm);
    }
    machine.store(CPU0, A, 77);
    let child = child(&mut machine);
    let stack = PageRange {
        action: PageRange::COPY,
        source_va: LIST,
        target: child,
        target_va: LIST,
        pages: 1,
        ..PageRange::default()
    };
    let exception_stack = PageRange {
        action: PageRange::ALLOC,
        target: child,
        target_va: UTOP - PGSIZE,
        pages: 1,
        set: W as u16,
        ..PageRange::default()
    };
    let share = PageRange {
        target: child,
        ..FORK
    };
    let list = [share, stack, exception_stack];
    assert_eq!(ranges(&mut machine, &list), Answer::Value(3));
    let cow = u32::from(COW);
    let after = [R | cow, R, W | SHARE, R | cow, R | cow | 0x200];
    for (index, perm) in (0..).zip(after) {
        let va = A + 2 * index * PGSIZE;
        let parents = page(&machine, own, va).expect("it stays");
        assert_eq!(parents.1, perm, "page {index} of the parent");
        assert_eq!(page(&machine, child, va), Some(parents), "page {index}");
        assert_eq!(page(&machine, child, va + PGSIZE), None);
    }
    // The parent cannot write by what its CPU remembers.
    assert_eq!(machine.access(CPU0, A, true), Access::Fault);
    assert_eq!(machine.load(CPU0, A), Some(77));
    // Its stack is its own, and so is the child's.
    assert_eq!(machine.store(CPU0, LIST + 2048, 5), Some(()));
    let (parents, childs) = (page(&machine, own, LIST), page(&machine, child, LIST));
    assert!(parents.is_some() && childs.is_some() && parents != childs);
    assert_eq!(
        page(&machine, child, UTOP - PGSIZE).map(|page| page.1),
        Some(W)
    );
    assert_eq!(machine.check(), Ok(()));
}

/// A list that takes several steps lets others run in between, and in the end has
/// done all of it once.
#[test]
fn a_long_list_is_worked_off_in_pieces() {
    const PAGES: u32 = 300;
    let spec = Spec {
        frames: 900,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    let own = own_id(&machine);
    let other = machine.boot(0x80_0020, Personality::Lab4);
    let fresh = PageRange {
        action: PageRange::ALLOC,
        target_va: A,
        pages: PAGES,
        set: W as u16,
        ..PageRange::default()
    };
    let copy = PageRange {
        action: PageRange::COPY,
        source_va: A,
        target_va: B,
        pages: PAGES,
        ..PageRange::default()
    };
    let available = machine.kernel.frames().available();
    let answer = ranges(&mut machine, &[fresh, copy]);
    assert_eq!(answer, Answer::Left(Some(other)));
    let mut turns = 0;
    let mut left = available;
    let slot = machine.kernel.envs().find(own).expect("it is alive");
    loop {
        let now = machine.kernel.frames().available();
        assert!((1..=33).contains(&(left - now)), "a step has its limit");
        assert_eq!(machine.check(), Ok(()));
        left = now;
        if machine.kernel.envs()[slot].pending.is_none() {
            break;
        }
        turns += 1;
        turn(&mut machine);
    }
    assert!(turns > 15, "{turns} turns");
    while machine.env_on(CPU0) != Some(own) {
        turn(&mut machine);
    }
    assert_eq!(machine.cpu(CPU0).frame.regs.eax, 2);
    assert_eq!(noted(&mut machine, 0).done, PAGES);
    assert_eq!(noted(&mut machine, 1).done, PAGES);
    // The pages, and a page table for each of the two ranges.
    assert_eq!(available - left, 2 * PAGES + 2);
}

/// Looking for pages takes time too: empty tables count.
#[test]
fn empty_tables_are_looked_through_in_pieces() {
    const TABLES: u32 = 200;
    let spec = Spec {
        frames: 400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    let own = own_id(&machine);
    machine.boot(0x80_0020, Personality::Lab4);
    for table in 1..TABLES {
        // Each part of each table has had a page.
        for part in [0, 500, 1000] {
            let va = table * PTSIZE + part * PGSIZE;
            alloc(&mut machine, 0, va, R);
            call(&mut machine, Call::PageUnmap, [0, va, 0, 0, 0]);
        }
    }
    let unmap = PageRange {
        action: PageRange::UNMAP,
        target_va: 0,
        pages: LIST / PGSIZE,
        ..PageRange::default()
    };
    assert!(matches!(ranges(&mut machine, &[unmap]), Answer::Left(_)));
    let mut turns = 0;
    while machine.env_on(CPU0) != Some(own) {
        turn(&mut machine);
        turns += 1;
    }
    assert_eq!(machine.cpu(CPU0).frame.regs.eax, 1);
    assert!(turns > 2, "{turns} turns");
}

/// The first entry that fails ends the work; the call, made again, goes on there.
#[test]
fn a_list_goes_on_where_it_failed() {
    let spec = Spec {
        frames: 96,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    let own = own_id(&machine);
    let fresh = |va, pages| PageRange {
        action: PageRange::ALLOC,
        target_va: va,
        pages,
        set: W as u16,
        ..PageRange::default()
    };
    let list = [fresh(A, 2), fresh(A + 0x10_0000, 90), fresh(B, 1)];
    assert_eq!(ranges(&mut machine, &list), Answer::Value(1));
    let first = page(&machine, own, A);
    let failed = noted(&mut machine, 1);
    assert_eq!(failed.result, -(Error::NoMem as i32));
    assert!((1..90).contains(&failed.done));
    assert_eq!(noted(&mut machine, 2), fresh(B, 1), "not begun");
    // Its first pages are given back, and it is to have fewer.
    for index in 0..4 {
        let va = A + 0x10_0000 + index * PGSIZE;
        call(&mut machine, Call::PageUnmap, [0, va, 0, 0, 0]);
    }
    let pages_at = LIST + PageRange::SIZE + 20;
    machine.store(CPU0, pages_at, failed.done + 1);
    machine.call(CPU0, Call::PageRanges, [LIST, 3, 0, 0, 0]);
    machine.calm_down();
    assert_eq!(machine.cpu(CPU0).frame.regs.eax, 3);
    assert_eq!(noted(&mut machine, 1).result, 0);
    assert_eq!(page(&machine, own, A), first, "done once");
    assert_eq!(page(&machine, own, A + 0x10_0000), None);
    assert_eq!(machine.check(), Ok(()));
}

/// An entry that makes no sense is refused before anything changes.
#[test]
fn entries_that_make_no_sense_are_refused() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    alloc(&mut machine, 0, A, W);
    let child = child(&mut machine);
    let good = PageRange {
        source_va: A,
        target: child,
        target_va: A,
        pages: 1,
        ..PageRange::default()
    };
    let alloc = PageRange {
        action: PageRange::ALLOC,
        set: W as u16,
        ..good
    };
    let unmap = PageRange {
        action: PageRange::UNMAP,
        ..good
    };
    let bad = [
        PageRange { action: 4, ..good },
        PageRange {
            action: 1 << 10,
            ..good
        },
        PageRange {
            source_va: A + 1,
            ..good
        },
        PageRange {
            target_va: UTOP,
            ..good
        },
        PageRange {
            source_va: UTOP - PGSIZE,
            pages: 2,
            ..good
        },
        PageRange {
            pages: u32::MAX,
            ..good
        },
        PageRange { clear: 1, ..good },
        PageRange { clear: 4, ..good },
        PageRange { set: 0x100, ..good },
        PageRange { any: 0x20, ..good },
        PageRange {
            none: 0x1000,
            ..good
        },
        PageRange {
            action: PageRange::BOTH,
            source: child,
            ..good
        },
        PageRange {
            action: PageRange::COPY | PageRange::BOTH,
            ..good
        },
        PageRange {
            action: PageRange::COPY | PageRange::REST,
            ..good
        },
        PageRange { set: 2, ..alloc },
        PageRange { any: 2, ..alloc },
        PageRange { clear: 2, ..alloc },
        PageRange {
            action: PageRange::ALLOC | PageRange::BOTH,
            ..alloc
        },
        PageRange { none: 2, ..unmap },
        PageRange { set: 2, ..unmap },
    ];
    for (index, entry) in bad.into_iter().enumerate() {
        assert_eq!(ranges(&mut machine, &[entry]), Answer::Value(0), "{index}");
        let noted = noted(&mut machine, 0);
        assert_eq!(noted.result, -(Error::Inval as i32), "{index}");
        assert_eq!(noted.done, 0);
    }
    for (source, target) in [(EnvId(0x7777), child), (EnvId(0), EnvId(0x7777))] {
        let entry = PageRange {
            source,
            target,
            ..good
        };
        assert_eq!(ranges(&mut machine, &[entry]), Answer::Value(0));
        let noted = noted(&mut machine, 0).result;
        assert_eq!(noted, -(Error::BadEnv as i32));
    }
    assert_eq!(page(&machine, child, A), None);
    let too_long = machine.call(CPU0, Call::PageRanges, [LIST, 33, 0, 0, 0]);
    assert_eq!(too_long, Answer::Failed(Error::Inval));
    // What has no pages asks for nothing, and what is finished is left alone.
    let finished = PageRange { done: 1, ..good };
    let list = [PageRange { pages: 0, ..bad[0] }, finished, good];
    assert_eq!(ranges(&mut machine, &list), Answer::Value(3));
    assert!(page(&machine, child, A).is_some());
}

/// Nobody gets more rights than the source has.
#[test]
fn a_rule_cannot_make_a_page_writeable() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    alloc(&mut machine, 0, A, W);
    alloc(&mut machine, 0, A + PGSIZE, R);
    let child = child(&mut machine);
    let entry = PageRange {
        source_va: A,
        target: child,
        target_va: A,
        pages: 2,
        set: 2,
        ..PageRange::default()
    };
    assert_eq!(ranges(&mut machine, &[entry]), Answer::Value(0));
    let noted = noted(&mut machine, 0);
    assert_eq!((noted.done, noted.result), (1, -(Error::Inval as i32)));
    assert_eq!(page(&machine, child, A + PGSIZE), None);
    // A copy may be written, whatever the source allows.
    let copy = PageRange {
        action: PageRange::COPY,
        ..entry
    };
    assert_eq!(ranges(&mut machine, &[copy]), Answer::Value(1));
    assert_eq!(
        page(&machine, child, A + PGSIZE).map(|page| page.1),
        Some(W)
    );
}

/// The list is in the caller's memory, or the caller ends.
#[test]
fn a_list_that_cannot_be_written_ends_its_owner() {
    for perm in [None, Some(R)] {
        let spec = Spec::default();
        let mut store = Store::new(&spec);
        let mut machine = machine(&mut store, spec);
        let own = own_id(&machine);
        let entry = PageRange {
            action: PageRange::ALLOC,
            target_va: B,
            pages: 1,
            set: W as u16,
            ..PageRange::default()
        };
        write_list(&mut machine, &[entry]);
        if let Some(perm) = perm {
            call(&mut machine, Call::PageMap, [0, LIST, 0, A, perm]);
        }
        let arguments = [A, 1, 0, 0, 0];
        let answer = machine.call(CPU0, Call::PageRanges, arguments);
        assert_eq!(answer, Answer::Left(None));
        assert!(machine.kernel.envs().find(own).is_none());
        machine.calm_down();
        let bad = if perm.is_some() {
            A + PageRange::PROGRESS
        } else {
            A
        };
        let line = format!("user_mem_check assertion failure for va {bad:08x}");
        let output = String::from_utf8_lossy(&machine.uart.output).into_owned();
        assert!(output.contains(&line), "{output}");
    }
}

/// Pages of two children that run on two CPUs, in one list: a step asks one CPU.
#[test]
fn both_children_lose_their_pages_at_once() {
    let spec = Spec {
        cpus: 3,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    alloc(&mut machine, 0, A, W);
    let mut list = Vec::new();
    for _ in 0..2 {
        let child = child(&mut machine);
        call(&mut machine, Call::PageMap, [0, A, child.0 as u32, A, W]);
        call(
            &mut machine,
            Call::EnvSetStatus,
            [child.0 as u32, 2, 0, 0, 0],
        );
        machine.calm_down();
        list.push(PageRange {
            action: PageRange::UNMAP,
            target: child,
            target_va: A,
            pages: 1,
            ..PageRange::default()
        });
    }
    for cpu in [CPU1, CpuId(2)] {
        assert_eq!(machine.cpu(cpu).mode, Mode::User);
        assert!(machine.load(cpu, A).is_some());
    }
    ranges(&mut machine, &list);
    machine.calm_down();
    for cpu in [CPU1, CpuId(2)] {
        assert_eq!(machine.access(cpu, A, false), Access::Fault, "{cpu:?}");
    }
    assert_eq!(noted(&mut machine, 1).done, 1);
    assert_eq!(machine.check(), Ok(()));
}

/// A run of pages is shared as by calls for each of them, and watching changes nothing.
#[test]
fn a_run_of_pages_is_shared_like_each_of_them() {
    let pages = |trace, in_one| {
        let spec = Spec {
            frames: 300,
            trace,
            ..Spec::default()
        };
        let mut store = Store::new(&spec);
        let mut machine = machine(&mut store, spec);
        let own = own_id(&machine);
        let child = child(&mut machine);
        for index in 0..100 {
            let perm = [W, W, W, R, W | SHARE, R | u32::from(COW)][index as usize % 6];
            let va = B - 40 * PGSIZE + (index + index / 7) * PGSIZE;
            alloc(&mut machine, 0, va, perm);
            if index % 11 == 3 {
                alloc(&mut machine, child.0 as u32, va, R);
            }
        }
        let entry = PageRange {
            target: child,
            ..FORK
        };
        if in_one {
            assert_eq!(ranges(&mut machine, &[entry]), Answer::Value(1));
        } else {
            let pages = B - 50 * PGSIZE..B + 90 * PGSIZE;
            for va in pages.step_by(PGSIZE as usize) {
                share_by_calls(&mut machine, entry, va);
            }
        }
        assert_eq!(machine.check(), Ok(()));
        assert_eq!(machine.access(CPU0, B - 40 * PGSIZE, true), Access::Fault);
        let all = (B - 50 * PGSIZE..B + 90 * PGSIZE).step_by(PGSIZE as usize);
        all.map(|va| [own, child].map(|id| page(&machine, id, va)))
            .collect::<Vec<_>>()
    };
    assert_eq!(pages(0, true), pages(0, false));
    assert_eq!(pages(0, true), pages(1 << 16, true));
}

/// What an entry says of one page, by `page_map`.
fn share_by_calls(machine: &mut Machine<'_>, entry: PageRange, va: u32) {
    let Some((_, perm)) = page(machine, own_id(machine), va) else {
        return;
    };
    let rule = entry.rule(Perm::from_bits_retain(perm));
    let (new, selected) = rule.expect("all are shared");
    let child = entry.target.0 as u32;
    call(machine, Call::PageMap, [0, va, child, va, new.bits()]);
    if selected && new.bits() != perm {
        call(machine, Call::PageMap, [0, va, 0, va, new.bits()]);
    }
}

#[test]
fn a_copy_is_a_page_of_its_own() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    alloc(&mut machine, 0, A, W);
    machine.store(CPU0, A + 8, 8);
    call(&mut machine, Call::PageCopy, [0, A, 0, B | W, 0]);
    assert_eq!(machine.load(CPU0, B + 8), Some(8));
    machine.store(CPU0, A + 8, 9);
    assert_eq!(machine.load(CPU0, B + 8), Some(8));
    for (source, perm, error) in [
        (A + PGSIZE, W, Error::Inval),
        (A, 2, Error::Inval),
        (A + 1, W, Error::Inval),
        (UTOP, W, Error::Inval),
    ] {
        let arguments = [0, source, 0, B | perm, 0];
        let answer = machine.call(CPU0, Call::PageCopy, arguments);
        assert_eq!(answer, Answer::Failed(error), "{source:#x} {perm}");
    }
    assert_eq!(machine.check(), Ok(()));
}

/// As a handler of copy on write does it: in place, and only as often as needed.
#[test]
fn a_page_that_nobody_shares_is_copied_by_keeping_it() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    let own = own_id(&machine);
    alloc(&mut machine, 0, A, W);
    machine.store(CPU0, A, 4);
    let child = child(&mut machine);
    call(&mut machine, Call::PageMap, [0, A, child.0 as u32, A, R]);
    call(&mut machine, Call::PageMap, [0, A, 0, A, R]);
    let shared = page(&machine, child, A);
    call(&mut machine, Call::PageCopy, [0, A, 0, A | W, 0]);
    let copied = page(&machine, own, A).expect("a page");
    assert_eq!(page(&machine, child, A), shared);
    assert_ne!(shared.map(|page| page.0), Some(copied.0));
    assert_eq!(machine.store(CPU0, A + 4, 5), Some(()));
    // The child's is now its own.
    let id = child.0 as u32;
    call(&mut machine, Call::PageCopy, [id, A, id, A | W, 0]);
    let kept = page(&machine, child, A);
    assert_eq!(kept, shared.map(|(frame, _)| (frame, W)));
    // The rights need no frame, and so cannot fail.
    machine.kernel.refuse_after(0);
    call(&mut machine, Call::PageCopy, [id, A, id, A | R, 0]);
    machine.kernel.refuse_none();
    assert_eq!(machine.load(CPU0, A), Some(4));
    assert_eq!(machine.check(), Ok(()));
}

const _: () = assert!(Perm::SYSCALL.bits() & COW as u32 != 0);

/// Pages are shared one after the other until one whose frame can have no more mappings.
#[test]
fn a_run_ends_at_a_frame_that_is_mapped_too_often() {
    let spec = Spec {
        frames: 256,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine(&mut store, spec);
    let child = child(&mut machine);
    alloc(&mut machine, child.0 as u32, B, W);
    alloc(&mut machine, 0, A, W);
    alloc(&mut machine, 0, A + PGSIZE, W);
    for i in 1..65_535 {
        let place = 0x1000_0000 + i * PGSIZE;
        call(&mut machine, Call::PageMap, [0, A + PGSIZE, 0, place, W]);
    }
    let list = [PageRange {
        action: PageRange::SHARE,
        source_va: A,
        target: child,
        target_va: B + PGSIZE,
        pages: 2,
        ..PageRange::default()
    }];
    assert_eq!(ranges(&mut machine, &list), Answer::Value(0));
    let noted = noted(&mut machine, 0);
    let refused = -(Error::NoMem as i32);
    assert_eq!((noted.done, noted.result), (1, refused));
    assert!(page(&machine, child, B + PGSIZE).is_some());
    assert_eq!(page(&machine, child, B + 2 * PGSIZE), None);
    assert_eq!(machine.audit(), Ok(()));
}
