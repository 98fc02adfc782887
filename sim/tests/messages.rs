//! Sends that wait: in which order senders are served, and what can happen to those
//! that are not.

use abi::layout::UTOP;
use abi::{Call, EnvStatus, Error};
use kcore::env::Slot;
use kcore::{CpuId, Event, PhysMem};
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
const RUN: u32 = EnvStatus::Runnable as u32;
const PARENT: u32 = 0x1000;
const A: u32 = 0x40_0000;
const B: u32 = 0x80_0000;
const RW: u32 = 7;
const RO: u32 = 5;

/// A parent on the only CPU, and children that have made this call and wait, each
/// with a page at [`A`].
fn with_waiting<R>(
    children: u32,
    letter: impl Fn(u32) -> [u32; 5],
    f: impl FnOnce(&mut Machine<'_>) -> R,
) -> R {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    for child in 0x1001..0x1001 + children {
        call(&mut machine, Call::Exofork, [0; 5]);
        call(&mut machine, Call::PageAlloc, [child, A, RW, 0, 0]);
        call(&mut machine, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    }
    // Each child gets its turn, and gives it up by its call; the parent comes last.
    call(&mut machine, Call::Yield, [0; 5]);
    for child in 0x1001..0x1001 + children {
        assert_eq!(on_cpu(&machine), child);
        call(&mut machine, Call::IpcSend, letter(child));
    }
    assert_eq!(on_cpu(&machine), PARENT);
    f(&mut machine)
}

fn call(machine: &mut Machine<'_>, call: Call, arguments: [u32; 5]) -> Answer {
    let answer = machine.call(CPU0, call, arguments);
    assert_eq!(machine.check(), Ok(()));
    answer
}

fn receive(machine: &mut Machine<'_>, va: u32) -> Answer {
    call(machine, Call::IpcRecv, [va, 0, 0, 0, 0])
}

fn on_cpu(machine: &Machine<'_>) -> u32 {
    machine.env_on(CPU0).map_or(0, |id| id.0 as u32)
}

/// The result that a child, which is not on the CPU, will find for its call.
fn result(machine: &Machine<'_>, child: u32) -> u32 {
    let env = &machine.kernel.envs()[Slot(child as u16 & 0x3ff)];
    assert_eq!(env.status(), EnvStatus::Runnable);
    env.frame.regs.eax
}

fn failure(error: Error) -> u32 {
    (error as u32).wrapping_neg()
}

#[test]
fn those_who_wait_are_served_in_the_order_in_which_they_came() {
    let letter = |child| [PARENT, child, A, RO, 0];
    with_waiting(5, letter, |machine| {
        for child in 0x1001..0x1006 {
            assert_eq!(receive(machine, B), Answer::Value(0));
            let entry = machine.kernel.config().uenvs;
            let memory = machine.kernel.memory();
            let message = [112, 116, 120].map(|offset| memory.read(entry + offset));
            assert_eq!(message, [child, child, RO]);
            assert_eq!(result(machine, child), 0);
        }
        assert!(matches!(receive(machine, B), Answer::Left(_)));
    });
}

/// Senders that send as often as they can, to one that receives whenever it can. The
/// first one to find it waiting is served at once, and comes again.
#[test]
fn senders_get_equal_shares() {
    const MEAN: u32 = 100;
    for senders in [2, 3, 7] {
        let spec = Spec::default();
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        for child in 0x1001..0x1001 + senders {
            call(&mut machine, Call::Exofork, [0; 5]);
            call(&mut machine, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
        }
        let mut shares = vec![0; senders as usize];
        while shares.iter().sum::<u32>() < MEAN * senders {
            match on_cpu(&machine) {
                PARENT => drop(receive(&mut machine, UTOP)),
                child => {
                    shares[child as usize - 0x1001] += 1;
                    call(&mut machine, Call::IpcSend, [PARENT, child, UTOP, 0, 0]);
                }
            }
        }
        let equal = shares.iter().all(|share| share.abs_diff(MEAN) <= MEAN / 20);
        assert!(equal, "{shares:?}");
    }
}

#[test]
fn a_page_is_looked_at_again_when_it_is_taken() {
    let letter = |child| [PARENT, child, A, RW, 0];
    with_waiting(3, letter, |machine| {
        // The first sender's page is gone, the second's is no longer writeable.
        call(machine, Call::PageUnmap, [0x1001, A, 0, 0, 0]);
        call(machine, Call::PageMap, [0x1002, A, 0x1002, A, RO]);
        assert_eq!(receive(machine, B), Answer::Value(0));
        assert_eq!(result(machine, 0x1001), failure(Error::Inval));
        assert_eq!(result(machine, 0x1002), failure(Error::Inval));
        assert_eq!(result(machine, 0x1003), 0);
    });
}

#[test]
fn a_page_that_is_gone_fails_its_sender_even_if_nobody_wants_it() {
    let letter = |child| [PARENT, child, A, RW, 0];
    with_waiting(2, letter, |machine| {
        call(machine, Call::PageUnmap, [0x1001, A, 0, 0, 0]);
        assert_eq!(receive(machine, UTOP), Answer::Value(0));
        assert_eq!(result(machine, 0x1001), failure(Error::Inval));
        assert_eq!(result(machine, 0x1002), 0);
    });
}

#[test]
fn a_page_for_which_there_is_no_memory_fails_its_sender_only() {
    let letter = |child| [PARENT, child, if child == 0x1001 { A } else { UTOP }, RW, 0];
    with_waiting(2, letter, |machine| {
        machine.kernel.refuse_after(0);
        assert_eq!(receive(machine, B), Answer::Value(0));
        machine.kernel.refuse_none();
        assert_eq!(result(machine, 0x1001), failure(Error::NoMem));
        assert_eq!(result(machine, 0x1002), 0);
    });
}

#[test]
fn who_waits_for_the_dead_is_told() {
    let letter = |_| [PARENT, 1, UTOP, 0, 0];
    with_waiting(2, letter, |machine| {
        call(machine, Call::EnvDestroy, [0; 5]);
        let eax = machine.cpu(CPU0).frame.regs.eax;
        assert_eq!((on_cpu(machine), eax), (0x1001, failure(Error::BadEnv)));
        assert_eq!(result(machine, 0x1002), failure(Error::BadEnv));
    });
}

/// An environment that never ran can be sent to, and can die.
#[test]
fn who_waits_for_the_unborn_is_told_of_its_end() {
    let letter = |_| [0x1002, 1, UTOP, 0, 0];
    for with_its_parent in [false, true] {
        let spec = Spec::default();
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        for _ in 0..2 {
            call(&mut machine, Call::Exofork, [0; 5]);
        }
        call(&mut machine, Call::EnvSetStatus, [0x1001, RUN, 0, 0, 0]);
        call(&mut machine, Call::Yield, [0; 5]);
        call(&mut machine, Call::IpcSend, letter(0));
        assert_eq!(on_cpu(&machine), PARENT);
        let victim = if with_its_parent { 0 } else { 0x1002 };
        call(&mut machine, Call::EnvDestroy, [victim, 0, 0, 0, 0]);
        machine.calm_down();
        if !with_its_parent {
            assert_eq!(result(&machine, 0x1001), failure(Error::BadEnv));
            machine.tick(CPU0);
        }
        let eax = machine.cpu(CPU0).frame.regs.eax;
        assert_eq!((on_cpu(&machine), eax), (0x1001, failure(Error::BadEnv)));
    }
}

#[test]
fn nobody_waits_for_himself_and_a_bad_page_does_not_wait() {
    with_waiting(
        0,
        |_| [0; 5],
        |machine| {
            for (letter, error) in [
                ([0, 1, UTOP, 0, 0], Error::Inval),
                ([PARENT, 1, UTOP, 0, 0], Error::Inval),
                ([0x1001, 1, UTOP, 0, 0], Error::BadEnv),
            ] {
                assert_eq!(call(machine, Call::IpcSend, letter), Answer::Failed(error));
            }
            call(machine, Call::Exofork, [0; 5]);
            for letter in [[0x1001, 1, A, RW, 0], [0x1001, 1, A + 1, RW, 0]] {
                let answer = call(machine, Call::IpcSend, letter);
                assert_eq!(answer, Answer::Failed(Error::Inval));
            }
            machine.run_event(CPU0, Event::Wake);
            assert_eq!(on_cpu(machine), PARENT);
        },
    );
}
