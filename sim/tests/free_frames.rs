//! What is known of free frames: page tables of the dead are zeroes, and their directories are as
//! good as new.
//!
//! The hard thing is that nobody sees the difference but in time. So these tests look where
//! frames come from, and the audit looks into those that are free.

use abi::layout::PGSIZE;
use abi::{Call, EnvStatus, Error};
use kcore::{CpuId, Pfn};
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
const CHILD: u32 = 0x1001;
const STOPPED: u32 = EnvStatus::NotRunnable as u32;
/// In two tables.
const PAGES: [u32; 2] = [0x40_0000, 0x80_0000];

fn with_machine(frames: u32, test: impl FnOnce(&mut Machine<'_>)) {
    let spec = Spec {
        frames,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    test(&mut machine);
    assert_eq!(machine.check(), Ok(()));
}

fn zeroed(machine: &Machine<'_>) -> Vec<Pfn> {
    let frames = machine.kernel.frames();
    frames.iter_list(frames.state.zeroed).collect()
}

fn directories(machine: &Machine<'_>) -> Vec<Pfn> {
    let frames = machine.kernel.frames();
    frames.iter_list(frames.state.directories).collect()
}

/// A child with two page tables, as its id.
fn child(machine: &mut Machine<'_>) -> u32 {
    let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
        panic!("there is memory");
    };
    for va in PAGES {
        let answer = machine.call(CPU0, Call::PageAlloc, [child, va, 7, 0, 0]);
        assert_eq!(answer, Answer::Value(0));
    }
    child
}

fn end(machine: &mut Machine<'_>, child: u32) {
    machine.call(CPU0, Call::EnvDestroy, [child, 0, 0, 0, 0]);
    machine.clean_up(CPU0);
    assert_eq!(machine.check(), Ok(()));
}

#[test]
fn tables_and_directories_of_the_dead_are_used_again() {
    with_machine(200, |machine| {
        let first = child(machine);
        assert_eq!(first, CHILD);
        let directory = machine.kernel.envs()[kcore::env::Slot(1)].space.pgdir;
        end(machine, first);
        assert_eq!(directories(machine), [directory]);
        assert_eq!(zeroed(machine).len(), PAGES.len());
        let second = child(machine);
        assert_eq!(
            machine.kernel.envs()[kcore::env::Slot(1)].space.pgdir,
            directory
        );
        assert!(zeroed(machine).is_empty() && directories(machine).is_empty());
        assert_eq!(machine.check(), Ok(()));
        // What the first one had is not there.
        let absent = machine.call(CPU0, Call::PageMap, [second, 0x40_1000, 0, 0x40_1000, 5]);
        assert_eq!(absent, Answer::Failed(Error::Inval));
        end(machine, second);
        assert_eq!(directories(machine), [directory]);
    });
}

/// A table that was full, and one in which pages came and went, are as empty as others.
#[test]
fn a_table_is_zero_whatever_was_in_it() {
    with_machine(1400, |machine| {
        let child = child(machine);
        for page in 0..1024 {
            let va = PAGES[0] + page * PGSIZE;
            machine.call(CPU0, Call::PageAlloc, [child, va, 7, 0, 0]);
        }
        for page in [1, 8, 31, 32, 1022] {
            let va = PAGES[0] + page * PGSIZE;
            machine.call(CPU0, Call::PageUnmap, [child, va, 0, 0, 0]);
        }
        end(machine, child);
        assert_eq!(zeroed(machine).len(), PAGES.len());
    });
}

/// Memory that is good for more is good for pages too, if there is no other.
#[test]
fn no_frame_is_kept_back() {
    with_machine(200, |machine| {
        let available = machine.kernel.frames().available();
        let children: Vec<u32> = (0..20).map(|_| child(machine)).collect();
        children.into_iter().for_each(|child| end(machine, child));
        assert_eq!(machine.kernel.frames().available(), available);
        assert!(zeroed(machine).len() > 30 && directories(machine).len() == 20);
        let allocate = |page: u32| {
            let va = PAGES[0] + page * PGSIZE;
            machine.call(CPU0, Call::PageAlloc, [0, va, 7, 0, 0])
        };
        let allocated = (0..)
            .map(allocate)
            .take_while(|answer| *answer == Answer::Value(0));
        // One frame is its page table.
        assert_eq!(allocated.count() as u32, available - 1);
        assert!(zeroed(machine).is_empty() && directories(machine).is_empty());
    });
}

#[test]
fn a_stopped_child_leaves_its_directory_too() {
    with_machine(200, |machine| {
        let child = child(machine);
        machine.call(CPU0, Call::EnvSetStatus, [child, STOPPED, 0, 0, 0]);
        end(machine, child);
        assert_eq!(directories(machine).len(), 1);
    });
}

/// It has what the kernel shares: as a page table it would map that.
#[test]
fn a_directory_is_no_page_table() {
    with_machine(200, |machine| {
        let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
            panic!("there is memory");
        };
        end(machine, child);
        assert!(zeroed(machine).is_empty() && directories(machine).len() == 1);
        let answer = machine.call(CPU0, Call::PageAlloc, [0, PAGES[0], 7, 0, 0]);
        assert_eq!(answer, Answer::Value(0));
        assert_eq!(directories(machine).len(), 1);
    });
}
