//! Starting, stopping and ending environments in every condition; fair turns; both
//! numberings of the calls.

use abi::{Call, EnvStatus, Error, Personality};
use kcore::env::Slot;
use kcore::{CpuId, Event};
use sim::machine::call::{Answer, set_call};
use sim::machine::{Machine, Mode, Spec, Store};
use std::collections::BTreeMap;

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const RUN: u32 = EnvStatus::Runnable as u32;
const STOP: u32 = EnvStatus::NotRunnable as u32;
const PARENT: u32 = 0x1000;
const CHILD: u32 = 0x1001;
/// A page of text.
const TEXT: u32 = 0x40_0000;

/// What a child is doing when its parent does something to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Unborn,
    /// Waits for a CPU.
    Queued,
    Running,
    /// On the other CPU, which waits for the lock to make its call.
    Calling,
    Stopped,
    /// Stopped while making a call.
    StoppedCalling,
    Receiving,
    /// Waits until its parent receives.
    Sending,
    /// Waits for room in the console.
    Printing,
    Dead,
}

const CONDITIONS: [Condition; 10] = [
    Condition::Unborn,
    Condition::Queued,
    Condition::Running,
    Condition::Calling,
    Condition::Stopped,
    Condition::StoppedCalling,
    Condition::Receiving,
    Condition::Sending,
    Condition::Printing,
    Condition::Dead,
];

/// What its parent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Run,
    Stop,
    Destroy,
    /// Gives it other registers: every word is [`WORD`].
    Redirect,
}

const DEEDS: [Deed; 4] = [Deed::Run, Deed::Stop, Deed::Destroy, Deed::Redirect];
/// The value of every word of the page of text.
const WORD: u32 = u32::from_le_bytes(*b"text");
/// An edition that has all the calls.
const PERSONALITY: Personality = Personality::Lab5;

fn call(machine: &mut Machine<'_>, call: Call, arguments: &[u32]) -> Answer {
    let mut all = [0; 5];
    all[..arguments.len()].copy_from_slice(arguments);
    machine.call_as(CPU0, PERSONALITY, call, all)
}

fn perform(machine: &mut Machine<'_>, deed: Deed) -> Answer {
    match deed {
        Deed::Run => call(machine, Call::EnvSetStatus, &[CHILD, RUN]),
        Deed::Stop => call(machine, Call::EnvSetStatus, &[CHILD, STOP]),
        Deed::Destroy => call(machine, Call::EnvDestroy, &[CHILD]),
        Deed::Redirect => call(machine, Call::EnvSetTrapframe, &[CHILD, TEXT]),
    }
}

/// Brings the child of the environment on CPU 0 into a condition.
fn prepare(machine: &mut Machine<'_>, condition: Condition) {
    call(machine, Call::PageAlloc, &[0, TEXT, 7]);
    for offset in (0..4096).step_by(4) {
        machine.store(CPU0, TEXT + offset, WORD);
    }
    assert_eq!(call(machine, Call::Exofork, &[]), Answer::Value(CHILD));
    call(machine, Call::PageMap, &[0, TEXT, CHILD, TEXT, 5]);
    if condition == Condition::Unborn {
        return;
    }
    perform(machine, Deed::Run);
    if condition == Condition::Queued {
        return;
    }
    machine.calm_down();
    assert_eq!(machine.env_on(CPU1).map(|id| id.0 as u32), Some(CHILD));
    match condition {
        Condition::Calling | Condition::StoppedCalling => {
            let number = PERSONALITY.number(Call::GetEnvId);
            set_call(
                &mut machine.cpu_mut(CPU1).frame,
                number.expect("a call"),
                [0; 5],
            );
            machine.trap(CPU1, Event::Syscall);
        }
        Condition::Receiving => {
            let nowhere = [u32::MAX, 0, 0, 0, 0];
            machine.call_as(CPU1, PERSONALITY, Call::IpcRecv, nowhere);
        }
        Condition::Sending => {
            let letter = [PARENT, 1, TEXT, 5, 0];
            machine.call_as(CPU1, PERSONALITY, Call::IpcSend, letter);
        }
        Condition::Printing => {
            machine.uart.instant = false;
            while machine.cpu(CPU1).mode == Mode::User {
                machine.call_as(CPU1, PERSONALITY, Call::Cputs, [TEXT, 4096, 0, 0, 0]);
            }
        }
        _ => {}
    }
    match condition {
        Condition::Stopped | Condition::StoppedCalling => {
            perform(machine, Deed::Stop);
            if condition == Condition::Stopped {
                machine.calm_down();
            }
        }
        Condition::Dead => {
            perform(machine, Deed::Destroy);
            machine.calm_down();
        }
        _ => {}
    }
}

/// A machine with two CPUs and one environment that knows all the calls.
fn machine_of<'t>(store: &'t mut Store, spec: Spec) -> Machine<'t> {
    let mut machine = Machine::new(store, spec);
    machine.boot(0x80_0020, PERSONALITY);
    machine.calm_down();
    machine
}

/// Does two deeds, one after the other, to a child in some condition.
fn try_deeds(condition: Condition, deeds: [Deed; 2]) {
    let context = format!("{condition:?} {deeds:?}");
    let spec = Spec {
        cpus: 2,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine_of(&mut store, spec);
    prepare(&mut machine, condition);
    assert_eq!(machine.check(), Ok(()), "{context}");

    let mut alive = condition != Condition::Dead;
    let mut runs = matches!(
        condition,
        Condition::Queued | Condition::Running | Condition::Calling | Condition::Printing
    );
    let mut waits = matches!(condition, Condition::Receiving | Condition::Sending);
    let mut redirected = false;
    // The result of its last call, when it next runs.
    let mut result = match condition {
        Condition::Calling | Condition::StoppedCalling => Some(CHILD),
        Condition::Printing => Some(0),
        _ => None,
    };
    for deed in deeds {
        let is_on_cpu = machine.kernel.envs()[Slot(1)].on_cpu.is_some();
        let answer = perform(&mut machine, deed);
        let expected = match deed {
            _ if !alive => Answer::Failed(Error::BadEnv),
            Deed::Redirect if is_on_cpu => Answer::Failed(Error::Inval),
            _ => Answer::Value(0),
        };
        assert_eq!(answer, expected, "{context}");
        assert_eq!(machine.check(), Ok(()), "{context}");
        match deed {
            Deed::Run | Deed::Stop => {
                runs = deed == Deed::Run;
                if waits {
                    result = Some((Error::Inval as u32).wrapping_neg());
                }
                waits = false;
            }
            Deed::Destroy => alive = false,
            Deed::Redirect if expected == Answer::Value(0) => {
                redirected = true;
                if !waits {
                    result = Some(WORD);
                }
            }
            Deed::Redirect => {}
        }
        let child = &machine.kernel.envs()[Slot(1)];
        let wanted = match (alive, runs) {
            (false, _) => &[EnvStatus::Free][..],
            (true, true) => &[EnvStatus::Runnable, EnvStatus::Running],
            (true, false) => &[EnvStatus::NotRunnable],
        };
        assert!(
            wanted.contains(&child.status()),
            "{context} {:?}",
            child.status()
        );
    }

    machine.uart.instant = true;
    if machine.uart.busy {
        machine.console_ready(CPU0);
    }
    machine.calm_down();
    assert_eq!(machine.check(), Ok(()), "{context}");
    let on_cpu1 = machine.env_on(CPU1).map(|id| id.0 as u32);
    assert_eq!(on_cpu1, (alive && runs).then_some(CHILD), "{context}");
    if on_cpu1.is_some() {
        let frame = &machine.cpu(CPU1).frame;
        if let Some(result) = result {
            assert_eq!(frame.regs.eax, result, "{context}");
        }
        assert_eq!(frame.eip == WORD, redirected, "{context}");
        assert_eq!((frame.cs, frame.ss), (0x1b, 0x23), "{context}");
    }
}

#[test]
fn deeds_to_a_child_in_every_condition() {
    for condition in CONDITIONS {
        for first in DEEDS {
            for second in DEEDS {
                try_deeds(condition, [first, second]);
            }
        }
    }
}

/// An environment that gets new registers while it prints neither waits for the
/// console any more nor goes on printing.
#[test]
fn a_redirected_printer_has_forgotten_what_it_printed() {
    let spec = Spec {
        cpus: 2,
        // There is room for a part of a page of text.
        console: 10_000,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = machine_of(&mut store, spec);
    prepare(&mut machine, Condition::Printing);
    assert_eq!(
        perform(&mut machine, Deed::Redirect),
        Answer::Value(0),
        "it is on no CPU"
    );
    machine.calm_down();
    assert_eq!(machine.env_on(CPU1).map(|id| id.0 as u32), Some(CHILD));
    assert_eq!(machine.cpu(CPU1).frame.eip, WORD);

    machine.uart.instant = true;
    machine.console_ready(CPU0);
    machine.uart.output.clear();
    let text = [TEXT, 8, 0, 0, 0];
    let answer = machine.call_as(CPU1, PERSONALITY, Call::Cputs, text);
    assert_eq!(answer, Answer::Value(0));
    assert_eq!(machine.uart.output, b"texttext");
}

#[test]
fn nobody_is_resurrected_by_a_bad_status() {
    for status in [0, 1, 3, 5, 6, u32::MAX, STOP | 0x100] {
        for condition in CONDITIONS {
            let spec = Spec {
                cpus: 2,
                ..Spec::default()
            };
            let mut store = Store::new(&spec);
            let mut machine = machine_of(&mut store, spec);
            prepare(&mut machine, condition);
            let before = machine.kernel.envs()[Slot(1)].status();
            let error = if condition == Condition::Dead {
                Error::BadEnv
            } else {
                Error::Inval
            };
            assert_eq!(
                call(&mut machine, Call::EnvSetStatus, &[CHILD, status]),
                Answer::Failed(error)
            );
            assert_eq!(machine.kernel.envs()[Slot(1)].status(), before);
        }
    }
}

/// How an environment behaves between two ticks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    Spins,
    /// Yields just before its quantum ends.
    Steals,
    /// Yields a hundred times in a quantum.
    Storms,
}

/// The CPU time that each environment got, and the longest time that any waited.
pub(crate) struct Shares {
    time: BTreeMap<i32, u64>,
    pub(crate) longest_wait: u64,
}

pub(crate) const QUANTUM: u64 = 10_000;

/// Lets environments with these habits run for `quanta` quanta.
pub(crate) fn share(cpus: u8, habits: &[Habit], quanta: u64) -> Shares {
    let spec = Spec {
        cpus,
        quantum: QUANTUM,
        frames: 512,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    let mut habit_of = BTreeMap::new();
    for &habit in habits {
        habit_of.insert(machine.boot(0x80_0020, Personality::Lab4).0, habit);
    }
    machine.calm_down();
    let mut time: BTreeMap<i32, u64> = habit_of.keys().map(|&id| (id, 0)).collect();
    let mut seen: BTreeMap<i32, u64> = habit_of.keys().map(|&id| (id, 0)).collect();
    let mut longest_wait = 0;
    while machine.now < quanta * QUANTUM {
        // The next thing to happen on any CPU, and when.
        let next = machine.cpu_ids().filter_map(|cpu| {
            let due = machine.cpu(cpu).due?;
            let habit = habit_of[&machine.env_on(cpu)?.0];
            let yields_at = match habit {
                Habit::Spins => due,
                Habit::Steals => machine.kernel.cpus()[cpu].since + QUANTUM - 1,
                Habit::Storms => machine.now + QUANTUM / 100,
            };
            let in_time = machine.now < yields_at && yields_at < due;
            Some((if in_time { yields_at } else { due }, cpu, in_time))
        });
        let (at, cpu, yields) = next.min_by_key(|next| next.0).expect("somebody runs");
        let at = at.max(machine.now);
        for cpu in machine.cpu_ids() {
            let id = machine.env_on(cpu).expect("all are busy").0;
            *time.get_mut(&id).expect("known") += at - machine.now;
            let waited = machine.now.saturating_sub(seen[&id]);
            longest_wait = longest_wait.max(waited);
            seen.insert(id, at);
        }
        machine.now = at;
        if yields {
            machine.call(cpu, Call::Yield, [0; 5]);
        } else {
            machine.run_event(cpu, Event::Timer);
        }
        machine.calm_down();
    }
    assert_eq!(machine.check(), Ok(()));
    let still_waiting = seen.values().map(|&at| machine.now - at.min(machine.now));
    let longest_wait = still_waiting.fold(longest_wait, u64::max);
    Shares { time, longest_wait }
}

#[test]
fn everybody_runs_within_the_promised_number_of_quanta() {
    for cpus in 1..=4u8 {
        for count in usize::from(cpus)..=20 {
            let shares = share(cpus, &vec![Habit::Spins; count], 200);
            let bound = (count as u64).div_ceil(cpus.into()) + 1;
            let waited = shares.longest_wait.div_ceil(QUANTUM);
            assert!(waited <= bound, "{count} on {cpus}: {waited} quanta");
        }
    }
}

#[test]
fn thieves_and_storms_take_nothing_from_eight_spinners() {
    for habit in [Habit::Steals, Habit::Storms] {
        for cpus in 1..=4 {
            let mut habits = vec![Habit::Spins; 8];
            habits.extend([habit; 2]);
            let quanta = 2_000;
            let shares = share(cpus, &habits, quanta);
            let fair = quanta * QUANTUM * u64::from(cpus) / 10;
            for (id, time) in shares.time.iter().take(8) {
                assert!(
                    *time * 10 >= fair * 9,
                    "{id:x} had {time} of {fair} on {cpus}"
                );
            }
        }
    }
}

#[test]
fn the_numbering_of_the_calls_is_each_environments_own() {
    for personality in Personality::ALL {
        let spec = Spec::default();
        let mut store = Store::new(&spec);
        let mut machine = Machine::new(&mut store, spec);
        machine.boot(0x80_0020, personality);
        machine.calm_down();
        // The answer to call 12 with edx = 1 tells them apart.
        let expected = match personality {
            Personality::Lab4 | Personality::Lab4Of2014 => Error::Inval,
            _ => Error::BadEnv,
        };
        let probe = machine.call_number(CPU0, personality, 12, [1, 0, 0, 0, 0]);
        assert_eq!(probe, Answer::Failed(expected));
        // The value of one error.
        let send = personality.number(Call::IpcTrySend).expect("a call");
        machine.call_number(CPU0, personality, send, [0; 5]);
        let value = machine.cpu(CPU0).frame.regs.eax.wrapping_neg();
        let old = personality.is_of_2014();
        assert_eq!(value, if old { 8 } else { 7 });
        // Children inherit their parent's personality.
        let fork = personality.number(Call::Exofork).expect("a call");
        let child = machine.call_number(CPU0, personality, fork, [0; 5]);
        let Answer::Value(child) = child else {
            panic!("{child:?}")
        };
        let status = personality.number(Call::EnvSetStatus).expect("a call");
        machine.call_number(CPU0, personality, status, [child, RUN, 0, 0, 0]);
        machine.tick(CPU0);
        let now = machine.env_on(CPU0).map(|id| id.0 as u32);
        assert_eq!(now, Some(child));
        let probe = machine.call_number(CPU0, personality, 12, [1, 0, 0, 0, 0]);
        assert_eq!(probe, Answer::Failed(expected));
        // Numbers that no edition has.
        for number in [15, 63, 65, 1000, u32::MAX] {
            let answer = machine.call_number(CPU0, personality, number, [0; 5]);
            assert_eq!(answer, Answer::Failed(Error::Inval));
        }
    }
}
