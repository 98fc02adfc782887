//! Waiting for words of memory: who meets whom, and what ends a wait.

use abi::layout::{PGSIZE, ULIM, UTOP};
use abi::{Call, EnvId, EnvStatus, Error};
use kcore::CpuId;
use kcore::env::Wait;
use sim::audit::census;
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
const RUN: u32 = EnvStatus::Runnable as u32;
const STOP: u32 = EnvStatus::NotRunnable as u32;
const PARENT: u32 = 0x1000;
const CHILD: u32 = 0x1001;
const SECOND: u32 = 0x1002;
/// A page, in which the words are.
const A: u32 = 0x40_0000;
/// Another place for it.
const B: u32 = 0x80_3000;
const READ: u32 = 5;
const WRITE: u32 = 7;
/// A microsecond in the machine's nanoseconds.
const US: u64 = 1000;

fn call(machine: &mut Machine<'_>, call: Call, arguments: [u32; 5]) -> Answer {
    let answer = machine.call(CPU0, call, arguments);
    assert_eq!(machine.check(), Ok(()));
    answer
}

fn must(machine: &mut Machine<'_>, what: Call, arguments: [u32; 5]) {
    assert!(matches!(call(machine, what, arguments), Answer::Value(_)));
}

fn wait(machine: &mut Machine<'_>, va: u32, expected: u32, owner: u32) -> Answer {
    call(machine, Call::FutexWait, [va, expected, owner, 0, 0])
}

fn wake(machine: &mut Machine<'_>, va: u32, count: u32) -> Answer {
    call(machine, Call::FutexWake, [va, count, 0, 0, 0])
}

fn on(machine: &Machine<'_>) -> u32 {
    machine.env_on(CPU0).map_or(0, |id| id.0 as u32)
}

fn eax(machine: &Machine<'_>) -> u32 {
    machine.cpu(CPU0).frame.regs.eax
}

/// Lets others run until `id` is on the CPU.
fn until(machine: &mut Machine<'_>, id: u32) {
    for _ in 0..2000 {
        if on(machine) == id {
            return;
        }
        call(machine, Call::Yield, [0; 5]);
    }
    panic!("{id:x} does not run");
}

/// The kernel's result for a call that failed.
fn failed(error: Error) -> u32 {
    (error as u32).wrapping_neg()
}

/// A parent with a page at [`A`], on the only CPU, and children that have it too and
/// have been started.
fn family<R>(children: u32, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    let spec = Spec {
        cpus: 1,
        frames: 256 + children * 4,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    must(&mut machine, Call::PageAlloc, [0, A, WRITE, 0, 0]);
    for child in CHILD..CHILD + children {
        assert_eq!(
            call(&mut machine, Call::Exofork, [0; 5]),
            Answer::Value(child)
        );
        must(&mut machine, Call::PageMap, [0, A, child, A, WRITE]);
        must(&mut machine, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    }
    assert_eq!(on(&machine), PARENT);
    f(&mut machine)
}

#[test]
fn addresses_that_are_no_words_are_refused() {
    family(0, |machine| {
        must(machine, Call::PageAlloc, [0, UTOP - PGSIZE, WRITE, 0, 0]);
        let bad = [
            A + 1,
            A + 2,
            A + 3,
            A - 4,
            A + PGSIZE,
            0,
            UTOP,
            UTOP - 2,
            ULIM - 4,
            ULIM,
            0xf010_0000,
            0xffff_fffc,
            0xffff_ffff,
        ];
        for va in bad {
            let inval = Answer::Failed(Error::Inval);
            assert_eq!(wait(machine, va, 0, 0), inval, "{va:x}");
            assert_eq!(wake(machine, va, 1), inval, "{va:x}");
        }
        for va in [A, A + PGSIZE - 4, UTOP - 4] {
            assert_eq!(wait(machine, va, 1, 0), Answer::Value(1), "{va:x}");
            assert_eq!(wake(machine, va, u32::MAX), Answer::Value(0), "{va:x}");
        }
    });
}

#[test]
fn who_waits_is_not_runnable_until_woken() {
    family(1, |machine| {
        assert_eq!(
            wait(machine, A, 0, 0),
            Answer::Left(Some(EnvId(CHILD as i32)))
        );
        let slot = machine.kernel.envs().find(EnvId(PARENT as i32)).unwrap();
        let waits = &machine.kernel.envs()[slot];
        assert_eq!(waits.status(), EnvStatus::NotRunnable);
        assert!(matches!(waits.wait, Wait::Word(_)));
        assert_eq!(wake(machine, A + 4, 1), Answer::Value(0), "another word");
        assert_eq!(wake(machine, A, 0), Answer::Value(0), "nobody is wanted");
        assert_eq!(wake(machine, A, 1), Answer::Value(1));
        assert_eq!(wake(machine, A, 1), Answer::Value(0));
        until(machine, PARENT);
        assert_eq!(eax(machine), 0);
    });
}

#[test]
fn a_word_that_has_changed_is_not_waited_for() {
    family(1, |machine| {
        machine.store(CPU0, A, 7).unwrap();
        assert_eq!(wait(machine, A, 0, 0), Answer::Value(1));
        assert_eq!(wait(machine, A, 0, 0x7777_0000), Answer::Value(1));
        assert!(matches!(wait(machine, A, 7, 0), Answer::Left(_)));
    });
}

/// The word is compared where it is, not where it is mapped; to read it is enough.
#[test]
fn a_page_in_two_places_is_one() {
    family(1, |machine| {
        must(machine, Call::PageMap, [0, A, CHILD, B, READ]);
        must(machine, Call::PageUnmap, [CHILD, A, 0, 0, 0]);
        assert!(matches!(wait(machine, A + 8, 0, 0), Answer::Left(_)));
        assert_eq!(wake(machine, B + 8, 1), Answer::Value(1));
        assert!(matches!(wait(machine, B + 8, 0, 0), Answer::Left(_)));
        assert_eq!(wake(machine, A + 8, 1), Answer::Value(1));
    });
}

#[test]
fn the_oldest_are_woken_first_and_64_at_most() {
    const ALL: u32 = 1000;
    family(ALL, |machine| {
        // Without an audit each, which is long with so many.
        machine.call(CPU0, Call::Yield, [0; 5]);
        for child in CHILD..CHILD + ALL {
            assert_eq!(on(machine), child);
            machine.call(CPU0, Call::FutexWait, [A, 0, 0, 0, 0]);
        }
        until(machine, PARENT);
        assert_eq!(wake(machine, A, 2), Answer::Value(2));
        let ready = machine.kernel.sched().ready.all();
        let order: Vec<_> = ready.iter(machine.kernel.envs()).collect();
        let ids: Vec<_> = order
            .iter()
            .map(|&slot| machine.kernel.envs()[slot].id)
            .collect();
        assert_eq!(ids, [EnvId(CHILD as i32), EnvId(SECOND as i32)]);
        let mut left = ALL - 2;
        while left > 0 {
            assert_eq!(wake(machine, A, u32::MAX), Answer::Value(left.min(64)));
            left -= left.min(64);
        }
        assert_eq!(wake(machine, A, u32::MAX), Answer::Value(0));
    });
}

#[test]
fn with_its_owner_a_wait_ends() {
    family(2, |machine| {
        assert!(matches!(wait(machine, A, 0, CHILD), Answer::Left(_)));
        until(machine, SECOND);
        assert!(matches!(wait(machine, A + 4, 0, CHILD), Answer::Left(_)));
        assert_eq!(on(machine), CHILD);
        call(machine, Call::EnvDestroy, [0; 5]);
        for waiter in [PARENT, SECOND] {
            until(machine, waiter);
            assert_eq!(eax(machine), failed(Error::BadEnv));
        }
        // It is dead already, and so is its right to its slot.
        let dead = wait(machine, A, 0, CHILD);
        assert_eq!(dead, Answer::Failed(Error::BadEnv));
        must(machine, Call::Exofork, [0; 5]);
        assert_eq!(wait(machine, A, 0, CHILD), Answer::Failed(Error::BadEnv));
    });
}

/// A wake for a lock: the next one has it, and the others depend on that one.
fn pass_on(machine: &mut Machine<'_>, count: u32) -> Answer {
    call(machine, Call::FutexWake, [A, count, 1, 0, 0])
}

/// The owner that `id` waits for.
fn owner_of(machine: &Machine<'_>, id: u32) -> Option<u32> {
    let slot = machine.kernel.envs().find(EnvId(id as i32)).unwrap();
    match machine.kernel.envs()[slot].wait {
        Wait::Word(owner) => owner
            .get()
            .map(|slot| machine.kernel.envs()[slot].id.0 as u32),
        wait => panic!("{id:x} does not wait for a word but {wait:?}"),
    }
}

/// Who is woken for a lock is killed before it runs, or when it has run: those that go on
/// waiting are told.
pub fn learns_of_a_later_owners_death(runs: bool) -> bool {
    family(3, |machine| {
        until(machine, CHILD);
        assert!(matches!(wait(machine, A, 0, PARENT), Answer::Left(_)));
        until(machine, SECOND);
        assert!(matches!(wait(machine, A, 0, PARENT), Answer::Left(_)));
        until(machine, PARENT);
        assert_eq!(pass_on(machine, 1), Answer::Value(1));
        if runs {
            until(machine, CHILD);
            until(machine, PARENT);
        }
        must(machine, Call::EnvDestroy, [CHILD, 0, 0, 0, 0]);
        let is_queued = wake(machine, A, 1) == Answer::Value(1);
        until(machine, SECOND);
        !is_queued && eax(machine) == failed(Error::BadEnv)
    })
}

#[test]
fn who_goes_on_waiting_depends_on_the_one_that_was_woken() {
    for runs in [false, true] {
        assert!(learns_of_a_later_owners_death(runs));
    }
}

/// Only those of the same word that have an owner are handed over, to the last one woken;
/// and to nobody if nobody is, or without the argument.
#[test]
fn only_waits_that_have_an_owner_are_handed_over() {
    const FREE: u32 = 0x1005;
    const ELSEWHERE: u32 = 0x1006;
    const LAST: u32 = 0x1007;
    family(8, |machine| {
        for id in CHILD..=LAST {
            until(machine, id);
            let (va, owner) = match id {
                FREE => (A, 0),
                // In the same queue, as there are sixteen.
                ELSEWHERE => (A + 64, PARENT),
                _ => (A, PARENT),
            };
            assert!(matches!(wait(machine, va, 0, owner), Answer::Left(_)));
        }
        until(machine, PARENT);
        assert_eq!(wake(machine, A, 1), Answer::Value(1));
        assert_eq!(pass_on(machine, 0), Answer::Value(0));
        assert_eq!(owner_of(machine, LAST), Some(PARENT));
        assert_eq!(pass_on(machine, 2), Answer::Value(2));
        assert_eq!(owner_of(machine, FREE), None);
        assert_eq!(owner_of(machine, ELSEWHERE), Some(PARENT));
        assert_eq!(owner_of(machine, LAST), Some(CHILD + 2));
        // The former owner's death is none of theirs.
        until(machine, CHILD);
        assert_eq!(pass_on(machine, 1), Answer::Value(1));
        assert_eq!(owner_of(machine, LAST), Some(CHILD + 3));
        call(machine, Call::EnvDestroy, [0; 5]);
        assert_eq!(owner_of(machine, LAST), Some(CHILD + 3));
    });
}

/// An owner may be the one who waits; then nobody else's death ends it.
#[test]
fn ones_own_death_leaves_nothing_behind() {
    family(1, |machine| {
        until(machine, CHILD);
        assert!(matches!(wait(machine, A, 0, CHILD), Answer::Left(_)));
        until(machine, PARENT);
        must(machine, Call::EnvDestroy, [CHILD, 0, 0, 0, 0]);
        assert_eq!(wake(machine, A, 1), Answer::Value(0));
        let (alive, _) = census(&machine.kernel);
        assert_eq!(alive, 1);
    });
}

#[test]
fn a_deadline_ends_it() {
    family(1, |machine| {
        until(machine, CHILD);
        must(machine, Call::EnvSetDeadline, [50, 0, 0, 0, 0]);
        assert!(matches!(wait(machine, A, 0, PARENT), Answer::Left(_)));
        assert!(matches!(wait(machine, A, 0, CHILD), Answer::Left(None)));
        machine.now = 60 * US;
        assert!(machine.wait_for_alarm(), "a timer runs");
        machine.calm_down();
        assert_eq!(machine.check(), Ok(()));
        assert_eq!(on(machine), CHILD);
        assert_eq!(eax(machine), failed(Error::TimedOut));
        // The deadline of a wait that ends well stays.
        must(machine, Call::EnvSetDeadline, [5_000_000, 0, 0, 0, 0]);
        assert_eq!(wake(machine, A, 9), Answer::Value(1));
        assert!(matches!(wait(machine, A, 0, 0), Answer::Left(_)));
        assert_eq!(wake(machine, A, 9), Answer::Value(1));
        // One that is over is noticed only by who would wait.
        until(machine, CHILD);
        must(machine, Call::EnvSetDeadline, [1, 0, 0, 0, 0]);
        assert_eq!(wait(machine, A, 9, 0), Answer::Value(1));
        assert_eq!(wait(machine, A, 0, 0), Answer::Failed(Error::TimedOut));
    });
}

#[test]
fn to_set_the_status_cancels_it() {
    for status in [STOP, RUN] {
        family(1, |machine| {
            until(machine, CHILD);
            assert!(matches!(wait(machine, A, 0, PARENT), Answer::Left(_)));
            must(machine, Call::EnvSetStatus, [CHILD, status, 0, 0, 0]);
            assert_eq!(wake(machine, A, 9), Answer::Value(0));
            must(machine, Call::EnvSetStatus, [CHILD, RUN, 0, 0, 0]);
            until(machine, CHILD);
            assert_eq!(eax(machine), failed(Error::Inval));
        });
    }
}

/// How many are woken by one who has a frame that was taken from a child that waits.
pub fn woken_by_a_stranger() -> u32 {
    family(1, |machine| {
        wait_and_lose(machine);
        let place = same_frame(machine);
        match wake(machine, place, 9) {
            Answer::Value(woken) => woken,
            answer => panic!("{answer:?}"),
        }
    })
}

/// The child waits for a word of a page at [`B`], which its parent takes away.
fn wait_and_lose(machine: &mut Machine<'_>) {
    must(machine, Call::PageAlloc, [CHILD, B, WRITE, 0, 0]);
    until(machine, CHILD);
    assert!(matches!(wait(machine, B, 0, 0), Answer::Left(_)));
    until(machine, PARENT);
    must(machine, Call::PageUnmap, [CHILD, B, 0, 0, 0]);
}

/// The parent gets pages until it has the very frame that the child waits for.
fn same_frame(machine: &mut Machine<'_>) -> u32 {
    let env = |machine: &Machine<'_>, id: u32| {
        let slot = machine.kernel.envs().find(EnvId(id as i32)).unwrap();
        machine.kernel.envs()[slot]
    };
    let frame = env(machine, CHILD).second;
    let place = (1..200).map(|page| B + page * PGSIZE).find(|&va| {
        must(machine, Call::PageAlloc, [0, va, WRITE, 0, 0]);
        let space = env(machine, PARENT).space;
        let entry = space.translate(machine.kernel.memory(), va, abi::Perm::READ);
        entry.unwrap().frame().address() == frame
    });
    place.expect("frames come round")
}

/// Nobody wakes, or notices, those who had the frame before.
#[test]
fn a_page_that_is_gone_wakes_nobody() {
    assert_eq!(woken_by_a_stranger(), 0);
    family(1, |machine| {
        wait_and_lose(machine);
        let place = same_frame(machine);
        // Shared with it in the same place, the page is one word to both.
        must(machine, Call::PageMap, [0, place, CHILD, B, WRITE]);
        assert_eq!(wake(machine, place, 9), Answer::Value(1));
    });
}

/// Nobody is left to wake those who wait: the run is over, unless one has a deadline.
#[test]
fn waiting_for_ever_is_the_end() {
    family(0, |machine| {
        assert!(matches!(wait(machine, A, 0, 0), Answer::Left(None)));
        machine.calm_down();
        assert!(machine.end.is_some());
    });
}
