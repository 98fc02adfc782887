//! Receiving from one chosen sender: whose message ends the wait, and what else does.
//!
//! The hard thing is everybody else: they must find that nobody receives, by whichever of
//! the three ways they send.

use abi::layout::UTOP;
use abi::{Call, EnvId, EnvStatus, Error, PublicEnv};
use kcore::env::mirror::Mirror;
use kcore::env::{Slot, Wait};
use kcore::{CpuId, Event, PhysMem};
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};
use std::mem::offset_of;

const CPU0: CpuId = CpuId(0);
const RUN: u32 = EnvStatus::Runnable as u32;
const STOP: u32 = EnvStatus::NotRunnable as u32;
const PARENT: u32 = 0x1000;
const CHILD: u32 = 0x1001;
const OTHER: u32 = 0x1002;
const PAGE: u32 = 0x40_0000;
const WINDOW: u32 = 0x80_3000;
const WRITE: u32 = 7;
/// A microsecond in the machine's nanoseconds.
const US: u64 = 1000;

fn call(machine: &mut Machine<'_>, call: Call, arguments: &[u32]) -> Answer {
    let mut all = [0; 5];
    all[..arguments.len()].copy_from_slice(arguments);
    let answer = machine.call(CPU0, call, all);
    assert_eq!(machine.check(), Ok(()));
    assert_eq!(machine.audit(), Ok(()));
    answer
}

fn must(machine: &mut Machine<'_>, what: Call, arguments: &[u32]) {
    let answer = call(machine, what, arguments);
    assert!(matches!(answer, Answer::Value(_)), "{what:?}: {answer:?}");
}

fn leaves(machine: &mut Machine<'_>, what: Call, arguments: &[u32]) {
    let answer = call(machine, what, arguments);
    assert!(matches!(answer, Answer::Left(_)), "{what:?}: {answer:?}");
}

fn fails(machine: &mut Machine<'_>, what: Call, arguments: &[u32], error: Error) {
    assert_eq!(call(machine, what, arguments), Answer::Failed(error));
}

fn on(machine: &Machine<'_>) -> u32 {
    machine.env_on(CPU0).map_or(0, |id| id.0 as u32)
}

/// Lets others run until `id` is on the CPU.
fn until(machine: &mut Machine<'_>, id: u32) {
    for _ in 0..2000 {
        if on(machine) == id {
            return;
        }
        if machine.env_on(CPU0).is_some() {
            call(machine, Call::Yield, &[]);
        }
        machine.calm_down();
    }
    panic!("{id:x} does not run");
}

/// The result of the last call of whoever is on the CPU.
fn result(machine: &Machine<'_>) -> u32 {
    machine.cpu(CPU0).frame.regs.eax
}

fn failed(error: Error) -> u32 {
    (error as u32).wrapping_neg()
}

fn wait(machine: &Machine<'_>, id: u32) -> Wait {
    let slot = machine.kernel.envs().find(EnvId(id as i32)).expect("alive");
    machine.kernel.envs()[slot].wait
}

fn callers(machine: &Machine<'_>, id: u32) -> u32 {
    let slot = machine.kernel.envs().find(EnvId(id as i32)).expect("alive");
    machine.kernel.envs()[slot].callers
}

/// What the public table shows of the parent: whether it receives, from whom it last did,
/// what, and a page's permissions.
fn shown(machine: &Machine<'_>) -> [u32; 4] {
    let mirror = Mirror {
        base: machine.kernel.config().uenvs,
    };
    let entry = mirror.address(Slot(0));
    let read = |offset: usize| machine.kernel.memory().read(entry + offset as u32);
    [
        read(offset_of!(PublicEnv, ipc_recving)),
        read(offset_of!(PublicEnv, ipc_from)),
        read(offset_of!(PublicEnv, ipc_value)),
        read(offset_of!(PublicEnv, ipc_perm)),
    ]
}

/// A parent with a page, on the only CPU, and two children that have it too.
fn family(f: impl FnOnce(&mut Machine<'_>)) {
    let spec = Spec {
        cpus: 1,
        frames: 256,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    must(&mut machine, Call::PageAlloc, &[0, PAGE, WRITE]);
    for child in [CHILD, OTHER] {
        assert_eq!(call(&mut machine, Call::Exofork, &[]), Answer::Value(child));
        must(&mut machine, Call::PageMap, &[0, PAGE, child, PAGE, WRITE]);
        must(&mut machine, Call::EnvSetStatus, &[child, RUN]);
    }
    assert_eq!(on(&machine), PARENT);
    f(&mut machine);
}

#[test]
fn whom_it_takes() {
    family(|machine| {
        for id in [0, PARENT] {
            fails(machine, Call::IpcRecvFrom, &[id, UTOP], Error::Inval);
        }
        for id in [0x1003, 0x2001, u32::MAX] {
            fails(machine, Call::IpcRecvFrom, &[id, 1], Error::BadEnv);
        }
        for va in [1, PAGE + 4, UTOP - 1] {
            fails(machine, Call::IpcRecvFrom, &[CHILD, va], Error::Inval);
        }
        assert_eq!(shown(machine), [0; 4]);
        assert_eq!(callers(machine, CHILD), 0);
    });
}

#[test]
fn others_find_that_nobody_receives() {
    family(|machine| {
        leaves(machine, Call::IpcRecvFrom, &[CHILD, UTOP]);
        assert_eq!(wait(machine, PARENT), Wait::MessageOf(Slot(1)));
        assert_eq!(callers(machine, CHILD), 1);
        assert_eq!(shown(machine), [1, 0, 0, 0]);
        until(machine, OTHER);
        let letter = [PARENT, 7, UTOP, 0];
        fails(machine, Call::IpcTrySend, &letter, Error::IpcNotRecv);
        fails(
            machine,
            Call::IpcReply,
            &[PARENT, 0, 1, 2],
            Error::IpcNotRecv,
        );
        leaves(machine, Call::IpcSend, &letter);
        until(machine, CHILD);
        must(machine, Call::IpcTrySend, &[PARENT, 8, UTOP, 0]);
        assert_eq!(callers(machine, CHILD), 0);
        until(machine, PARENT);
        assert_eq!(result(machine), 0);
        assert_eq!(shown(machine), [0, CHILD, 8, 0]);
        must(machine, Call::IpcRecv, &[UTOP]);
        assert_eq!(shown(machine), [0, OTHER, 7, 0]);
    });
}

#[test]
fn each_way_of_sending_ends_the_wait() {
    for how in [Call::IpcTrySend, Call::IpcSend] {
        family(|machine| {
            leaves(machine, Call::IpcRecvFrom, &[CHILD, WINDOW]);
            until(machine, CHILD);
            must(machine, how, &[PARENT, 9, PAGE, WRITE]);
            assert_eq!(callers(machine, CHILD), 0);
            until(machine, PARENT);
            assert_eq!(result(machine), 0);
            assert_eq!(shown(machine), [0, CHILD, 9, WRITE]);
            machine.store(CPU0, WINDOW, 5).expect("the page came");
        });
    }
}

#[test]
fn a_call_of_the_one_is_taken_and_replied_to() {
    family(|machine| {
        leaves(machine, Call::IpcRecvFrom, &[CHILD, UTOP]);
        until(machine, OTHER);
        leaves(machine, Call::IpcCall, &[PARENT, 0, 1, 2]);
        until(machine, CHILD);
        assert_eq!(wait(machine, OTHER), Wait::Server(Slot(0)));
        leaves(machine, Call::IpcCall, &[PARENT, 0, 3, 4]);
        assert_eq!(on(machine), PARENT, "the CPU is handed over");
        assert_eq!(result(machine), 0);
        assert_eq!(shown(machine), [0, CHILD, 3, 0]);
        assert_eq!(callers(machine, CHILD), 0);
        assert_eq!(callers(machine, PARENT), 1);
        must(machine, Call::IpcTrySend, &[CHILD, 5, UTOP, 0]);
        must(machine, Call::IpcRecvFrom, &[OTHER, UTOP]);
        assert_eq!(wait(machine, OTHER), Wait::Reply(Slot(0)));
        assert_eq!(shown(machine), [0, OTHER, 1, 0]);
    });
}

#[test]
fn a_letter_is_taken_out_of_the_queue_wherever_it_is() {
    family(|machine| {
        for (sender, value) in [(CHILD, 1), (OTHER, 2)] {
            until(machine, sender);
            leaves(machine, Call::IpcSend, &[PARENT, value, PAGE, WRITE]);
        }
        until(machine, PARENT);
        must(machine, Call::IpcRecvFrom, &[OTHER, WINDOW]);
        assert_eq!(shown(machine), [0, OTHER, 2, WRITE]);
        leaves(machine, Call::IpcRecvFrom, &[OTHER, WINDOW]);
        until(machine, OTHER);
        assert_eq!(result(machine), 0);
        must(machine, Call::IpcTrySend, &[PARENT, 3, UTOP, 0]);
        until(machine, PARENT);
        must(machine, Call::IpcRecv, &[UTOP]);
        assert_eq!(shown(machine), [0, CHILD, 1, 0]);
    });
}

#[test]
fn the_death_of_the_one_ends_the_wait() {
    family(|machine| {
        leaves(machine, Call::IpcRecvFrom, &[CHILD, UTOP]);
        until(machine, CHILD);
        leaves(machine, Call::EnvDestroy, &[0]);
        until(machine, PARENT);
        assert_eq!(result(machine), failed(Error::BadEnv));
        assert_eq!(shown(machine), [0; 4]);
        fails(machine, Call::IpcRecvFrom, &[CHILD, UTOP], Error::BadEnv);
    });
}

#[test]
fn a_deadline_ends_the_wait() {
    family(|machine| {
        let time = (machine.now / US) as u32 + 500;
        must(machine, Call::EnvSetDeadline, &[time, 0]);
        leaves(machine, Call::IpcRecvFrom, &[CHILD, UTOP]);
        machine.now += 1000 * US;
        machine.run_event(CPU0, Event::Timer);
        until(machine, PARENT);
        assert_eq!(result(machine), failed(Error::TimedOut));
        assert_eq!(shown(machine), [0; 4]);
        assert_eq!(callers(machine, CHILD), 0);
        must(machine, Call::EnvSetDeadline, &[1, 0]);
        fails(machine, Call::IpcRecvFrom, &[CHILD, UTOP], Error::TimedOut);
    });
}

#[test]
fn a_letter_that_cannot_be_given_fails_and_the_next_is_waited_for() {
    family(|machine| {
        until(machine, CHILD);
        leaves(machine, Call::IpcSend, &[PARENT, 1, PAGE, WRITE]);
        until(machine, PARENT);
        must(machine, Call::PageUnmap, &[CHILD, PAGE]);
        leaves(machine, Call::IpcRecvFrom, &[CHILD, UTOP]);
        until(machine, CHILD);
        assert_eq!(result(machine), failed(Error::Inval));
        must(machine, Call::IpcTrySend, &[PARENT, 2, UTOP, 0]);
        until(machine, PARENT);
        assert_eq!(shown(machine), [0, CHILD, 2, 0]);
    });
}

#[test]
fn who_waits_can_be_stopped_and_ended() {
    for destroy in [false, true] {
        family(|machine| {
            until(machine, CHILD);
            leaves(machine, Call::IpcRecvFrom, &[OTHER, UTOP]);
            assert_eq!(callers(machine, OTHER), 1);
            until(machine, PARENT);
            match destroy {
                true => must(machine, Call::EnvDestroy, &[CHILD]),
                false => must(machine, Call::EnvSetStatus, &[CHILD, STOP]),
            }
            assert_eq!(callers(machine, OTHER), 0);
            if !destroy {
                must(machine, Call::EnvSetStatus, &[CHILD, RUN]);
                until(machine, CHILD);
                assert_eq!(result(machine), failed(Error::Inval));
            }
        });
    }
}

#[test]
fn a_wait_whose_state_is_taken_is_made_again() {
    family(|machine| {
        until(machine, CHILD);
        leaves(machine, Call::IpcRecvFrom, &[OTHER, UTOP]);
        until(machine, PARENT);
        must(machine, Call::EnvGetState, &[CHILD, PAGE]);
        assert_eq!(callers(machine, OTHER), 0);
        must(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        for id in [OTHER, PARENT, OTHER] {
            until(machine, id);
        }
        assert_eq!(wait(machine, CHILD), Wait::MessageOf(Slot(2)));
        must(machine, Call::IpcTrySend, &[CHILD, 6, UTOP, 0]);
        until(machine, CHILD);
        assert_eq!(result(machine), 0);
    });
}
