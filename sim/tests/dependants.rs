//! The death of an environment for which hundreds wait, in every way there is.
//!
//! The hard thing is to see each step: no step may end more waits than one may, the slot
//! must not be used again before all are told, and what happens meanwhile must not disturb
//! that.

use abi::env::NENV;
use abi::scheduling::Policy;
use abi::{Call, EnvId, EnvStatus, Error};
use kcore::CpuId;
use kcore::env::{Slot, Wait};
use sim::audit::census;
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
const RUN: u32 = EnvStatus::Runnable as u32;
const PARENT: u32 = 0x1000;
const VICTIM: u32 = 0x1001;
/// A page that all have, with a word.
const A: u32 = 0x40_0000;
const NO_PAGE: u32 = u32::MAX;
/// As many in each of the ways.
const EACH: u32 = 150;
const WAYS: u32 = 4;
/// No step ends more waits.
const MOST: usize = 128;

fn on(machine: &Machine<'_>) -> u32 {
    machine.env_on(CPU0).map_or(0, |id| id.0 as u32)
}

/// How many wait, for whatever it is.
fn waiting(machine: &Machine<'_>) -> usize {
    let envs = machine.kernel.envs();
    let waits = |&slot: &Slot| envs[slot].alive && envs[slot].wait != Wait::Nothing;
    envs.used().filter(waits).count()
}

/// Makes a call as one step that ends no more waits than it may. The audit's scratch is
/// large, so it looks only now and then.
fn step(machine: &mut Machine<'_>, call: Call, arguments: [u32; 5]) -> Answer {
    let before = waiting(machine);
    let answer = machine.call(CPU0, call, arguments);
    assert!(before <= waiting(machine) + MOST, "{call:?} tells too many");
    answer
}

/// The call in which the child with this number waits for the victim. The first ones call,
/// and the victim takes their requests.
fn wait_for_victim(machine: &mut Machine<'_>, number: u32) {
    let (call, arguments) = match number / EACH {
        0 => (Call::IpcCall, [VICTIM, 0, 1, 2, 0]),
        1 => (Call::IpcSend, [VICTIM, 1, NO_PAGE, 0, 0]),
        2 => (Call::IpcRecvFrom, [VICTIM, NO_PAGE, 0, 0, 0]),
        _ => (Call::FutexWait, [A, 0, VICTIM, 0, 0]),
    };
    machine.call(CPU0, call, arguments);
}

/// The parent has the CPU again, everybody else but the victim waits for that.
fn crowd(machine: &mut Machine<'_>) {
    machine.call(CPU0, Call::PageAlloc, [0, A, 7, 0, 0]);
    for number in 0..=WAYS * EACH {
        let answer = machine.call(CPU0, Call::Exofork, [0; 5]);
        assert_eq!(answer, Answer::Value(VICTIM + number));
        let child = VICTIM + number;
        machine.call(CPU0, Call::PageMap, [0, A, child, A, 7]);
        machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    }
    while waiting(machine) < (WAYS * EACH) as usize || on(machine) != PARENT {
        match on(machine) {
            VICTIM if !machine.kernel.envs()[Slot(1)].senders.is_empty() => {
                let takes = machine.kernel.envs()[Slot(1)].callers < EACH;
                let call = if takes { Call::IpcReply } else { Call::Yield };
                machine.call(CPU0, call, [0; 5]);
            }
            PARENT | VICTIM => drop(machine.call(CPU0, Call::Yield, [0; 5])),
            child => wait_for_victim(machine, child - VICTIM - 1),
        }
    }
    assert_eq!(machine.check(), Ok(()));
    let envs = machine.kernel.envs();
    let victim = &envs[Slot(1)];
    let senders = victim.senders.iter(envs).count() as u32;
    // By the lottery the victim may not have had time to take all requests.
    assert_eq!(senders + victim.callers, WAYS * EACH);
    assert!(victim.callers > 2 * EACH - 1 && senders > EACH - 1);
}

fn with_crowd(policy: Policy, test: impl FnOnce(&mut Machine<'_>)) {
    let spec = Spec {
        frames: 2300,
        policy,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    crowd(&mut machine);
    test(&mut machine);
    assert_eq!(machine.check(), Ok(()));
}

/// Everybody who waited ends when it has its error.
fn all_are_told(machine: &mut Machine<'_>, mut told: u32) {
    while told > 0 {
        let is_mourned = machine.kernel.mourned().next().is_some();
        assert!(machine.kernel.has_leftovers() || !is_mourned);
        if on(machine) == PARENT {
            step(machine, Call::Yield, [0; 5]);
            continue;
        }
        let failed = (Error::BadEnv as u32).wrapping_neg();
        assert_eq!(machine.cpu(CPU0).frame.regs.eax, failed);
        step(machine, Call::EnvDestroy, [0; 5]);
        told -= 1;
    }
    machine.clean_up(CPU0);
    assert_eq!(census(&machine.kernel).0, 1);
    assert_eq!(machine.kernel.mourned().count(), 0);
}

#[test]
fn those_who_wait_for_the_dead_are_told_in_pieces() {
    for policy in [Policy::RoundRobin, Policy::Stride, Policy::Lottery] {
        with_crowd(policy, |machine| {
            step(machine, Call::EnvDestroy, [VICTIM, 0, 0, 0, 0]);
            assert_eq!(machine.check(), Ok(()));
            assert_eq!(machine.kernel.mourned().next(), Some(Slot(1)));
            assert_eq!(waiting(machine), (WAYS * EACH) as usize - MOST);
            all_are_told(machine, WAYS * EACH);
        });
    }
}

/// Under priorities a step cleans up at its beginning.
#[test]
fn those_who_wait_for_the_dead_are_told_under_priorities() {
    with_crowd(Policy::Priority, |machine| {
        step(machine, Call::EnvDestroy, [VICTIM, 0, 0, 0, 0]);
        assert_eq!(machine.check(), Ok(()));
        all_are_told(machine, WAYS * EACH);
    });
}

/// Nobody else comes to the slot; the dead one's id names nobody; who waits for it may die.
#[test]
fn a_slot_is_not_free_before_all_are_told() {
    with_crowd(Policy::RoundRobin, |machine| {
        step(machine, Call::EnvDestroy, [VICTIM, 0, 0, 0, 0]);
        let gone = step(machine, Call::EnvDestroy, [VICTIM, 0, 0, 0, 0]);
        assert_eq!(gone, Answer::Failed(Error::BadEnv));
        let waits = |slot: &Slot| machine.kernel.envs()[*slot].wait != Wait::Nothing;
        if let Some(slot) = machine.kernel.envs().used().find(waits) {
            let id = machine.kernel.envs()[slot].id.0 as u32;
            machine.call(CPU0, Call::EnvDestroy, [id, 0, 0, 0, 0]);
        }
        machine.clean_up(CPU0);
        assert_eq!(machine.check(), Ok(()));
        assert_eq!(waiting(machine), 0);
    });
    with_crowd(Policy::RoundRobin, |machine| {
        step(machine, Call::EnvDestroy, [VICTIM, 0, 0, 0, 0]);
        let Answer::Value(child) = step(machine, Call::Exofork, [0; 5]) else {
            panic!("there are slots");
        };
        assert_ne!(EnvId(child.cast_signed()).slot(), 1);
        assert_eq!(machine.check(), Ok(()));
    });
}

const VICTIMS: [u32; 2] = [VICTIM, VICTIM + 1];

/// Children that never run are there for others to wait for; so many send to each.
fn with_two_victims(policy: Policy, senders: [u32; 2], test: impl FnOnce(&mut Machine<'_>)) {
    let spec = Spec {
        frames: 2300,
        policy,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let all = senders[0] + senders[1];
    for _ in 0..2 + all {
        machine.call(CPU0, Call::Exofork, [0; 5]);
    }
    for number in 0..all {
        let child = VICTIM + 2 + number;
        machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
        machine.call(CPU0, Call::Yield, [0; 5]);
        assert_eq!(on(&machine), child);
        let victim = VICTIMS[usize::from(number >= senders[0])];
        machine.call(CPU0, Call::IpcSend, [victim, 1, NO_PAGE, 0, 0]);
    }
    test(&mut machine);
}

/// Two die, and more wait for each than one step tells.
#[test]
fn several_can_be_mourned() {
    with_two_victims(Policy::RoundRobin, [2 * EACH; 2], |machine| {
        for victim in VICTIMS {
            step(machine, Call::EnvDestroy, [victim, 0, 0, 0, 0]);
        }
        assert_eq!(machine.check(), Ok(()));
        assert!(machine.kernel.mourned().eq([Slot(2), Slot(1)]));
        all_are_told(machine, 4 * EACH);
    });
}

/// Under priorities a step may tell the last ones at its beginning and leave nothing over.
#[test]
fn every_step_tells_as_many() {
    with_two_victims(Policy::Priority, [2 * EACH, MOST as u32], |machine| {
        step(machine, Call::EnvDestroy, [VICTIMS[0], 0, 0, 0, 0]);
        while machine.kernel.has_leftovers() {
            step(machine, Call::GetEnvId, [0; 5]);
        }
        step(machine, Call::EnvDestroy, [VICTIMS[1], 0, 0, 0, 0]);
        assert_eq!(machine.kernel.mourned().next(), None);
        assert_eq!(machine.check(), Ok(()));
    });
}

/// Where no other slot is left, a new environment waits for that of the dead one.
#[test]
fn a_new_environment_waits_for_the_slot() {
    let spec = Spec {
        frames: 2300,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let children = NENV as u32 - 1;
    for number in 0..children {
        let answer = machine.call(CPU0, Call::Exofork, [0; 5]);
        assert_eq!(answer, Answer::Value(VICTIM + number));
    }
    let full = machine.call(CPU0, Call::Exofork, [0; 5]);
    assert_eq!(full, Answer::Failed(Error::NoFreeEnv));
    for child in VICTIM + 1..=VICTIM + 2 * EACH {
        machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
        machine.call(CPU0, Call::Yield, [0; 5]);
        machine.call(CPU0, Call::IpcSend, [VICTIM, 1, NO_PAGE, 0, 0]);
    }
    assert_eq!(waiting(&machine), 2 * EACH as usize);
    step(&mut machine, Call::EnvDestroy, [VICTIM, 0, 0, 0, 0]);
    assert!(machine.kernel.mourned().next().is_some());
    machine.call(CPU0, Call::Exofork, [0; 5]);
    machine.calm_down();
    while on(&machine) != PARENT {
        machine.call(CPU0, Call::IpcRecv, [NO_PAGE, 0, 0, 0, 0]);
        machine.calm_down();
    }
    let made = EnvId(machine.cpu(CPU0).frame.regs.eax.cast_signed());
    assert_eq!((made.0 > 0, made.slot()), (true, 1));
    assert_eq!(machine.check(), Ok(()));
}
