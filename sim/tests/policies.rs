//! The policies that share CPUs out by number: stride and lottery. Shares over ten
//! seconds, whatever the programs do.
//!
//! The hard thing is what must not count: how often a program yields, sleeps or calls
//! another. So programs here have habits, time passes by the nanosecond, and what
//! everybody had of it is added up beside the kernel.

use abi::call::FEATURE_SCHEDULING;
use abi::scheduling::{MAX_PRIORITY, Policy};
use abi::{Call, EnvStatus, Personality};
use kcore::{CpuId, Event};
use sim::machine::call::Answer;
use sim::machine::{Machine, Mode, Spec, Store};
use std::collections::BTreeMap;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLISECOND;
const PERSONALITY: Personality = Personality::Lab4;
const CPU0: CpuId = CpuId(0);

/// What an environment does whenever it has worked for `work` nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    Spins,
    Yields {
        work: u64,
    },
    Sleeps {
        work: u64,
        pause: u64,
    },
    /// Calls the next one in the list, and yields after each call.
    Calls {
        work: u64,
    },
    /// Replies to the one before in the list.
    Serves {
        work: u64,
    },
}

impl Habit {
    fn work(self) -> u64 {
        match self {
            Habit::Spins => u64::MAX,
            Habit::Yields { work } | Habit::Sleeps { work, .. } => work,
            Habit::Calls { work } | Habit::Serves { work } => work,
        }
    }
}

/// One environment of a trial.
#[derive(Clone, Copy, Debug)]
struct Program {
    id: u32,
    habit: Habit,
    /// How long it works until it next does what it does.
    left: u64,
    /// What it has had.
    had: u64,
    /// Since when it has waited for a CPU, and the longest that it ever did.
    since: u64,
    longest: u64,
    yields_next: bool,
}

struct Trial<'t> {
    machine: Machine<'t>,
    programs: Vec<Program>,
}

fn spec(policy: Policy, cpus: u8) -> Spec {
    Spec {
        policy,
        cpus,
        frames: 1024,
        ..Spec::default()
    }
}

impl<'t> Trial<'t> {
    /// A parent that sleeps on, and its children with these habits and shares.
    fn new(store: &'t mut Store, spec: Spec, members: &[(Habit, u32)]) -> Trial<'t> {
        let mut machine = Machine::with_one_env(store, spec);
        let mut programs = Vec::new();
        for &(habit, shares) in members {
            let id = child(&mut machine, MAX_PRIORITY.into(), shares);
            programs.push(Program {
                id,
                habit,
                left: habit.work(),
                had: 0,
                since: machine.now,
                longest: 0,
                yields_next: false,
            });
        }
        let mut trial = Trial { machine, programs };
        for index in 0..members.len() {
            trial.start(index);
        }
        trial.machine.call(CPU0, Call::SleepUntil, [0, 1, 0, 0, 0]);
        trial.machine.calm_down();
        trial
    }

    fn start(&mut self, index: usize) {
        let id = self.programs[index].id;
        let run = [id, EnvStatus::Runnable as u32, 0, 0, 0];
        assert_eq!(
            self.machine.call(CPU0, Call::EnvSetStatus, run),
            Answer::Value(0)
        );
    }

    fn on(&self, cpu: CpuId) -> Option<usize> {
        let id = self.machine.env_on(cpu)?.0 as u32;
        self.programs.iter().position(|program| program.id == id)
    }

    /// Lets them run until `end`.
    fn run_until(&mut self, end: u64) {
        let mut steps = 0;
        while self.machine.now < end {
            let next = self.machine.cpu_ids().filter_map(|cpu| self.next_of(cpu));
            let (at, cpu, acts) = next.min().unwrap_or((end, CPU0, false));
            let at = at.min(end);
            self.pass(at);
            if at == end {
                break;
            }
            match self.on(cpu).filter(|_| acts) {
                Some(index) => self.act(cpu, index),
                None => self.machine.run_event(cpu, Event::Timer),
            }
            self.machine.calm_down();
            steps += 1;
            if steps % 256 == 0 {
                assert_eq!(self.machine.check(), Ok(()));
            }
        }
        assert_eq!(self.machine.check(), Ok(()));
    }

    /// When something happens next on `cpu`, and whether its environment does it.
    fn next_of(&self, cpu: CpuId) -> Option<(u64, CpuId, bool)> {
        let now = self.machine.now;
        let due = self.machine.cpu(cpu).due.map(|due| due.max(now));
        let acts = self
            .on(cpu)
            .map(|on| now.saturating_add(self.programs[on].left));
        match (acts, due) {
            (Some(acts), Some(due)) if acts < due => Some((acts, cpu, true)),
            (Some(acts), None) => Some((acts, cpu, true)),
            (_, due) => Some((due?, cpu, false)),
        }
    }

    /// Time passes until `at`, and everybody on a CPU has had it.
    fn pass(&mut self, at: u64) {
        let passed = at - self.machine.now;
        for cpu in self.machine.cpu_ids() {
            if let Some(on) = self.on(cpu) {
                let program = &mut self.programs[on];
                program.longest = program.longest.max(self.machine.now - program.since);
                program.since = at;
                program.had += passed;
                program.left = program.left.saturating_sub(passed);
            }
        }
        self.machine.now = at;
    }

    /// The environment on `cpu` has done its work.
    fn act(&mut self, cpu: CpuId, index: usize) {
        let Program {
            habit, yields_next, ..
        } = self.programs[index];
        self.programs[index].left = habit.work();
        let other = |offset: usize| self.programs[(index + offset) % self.programs.len()].id;
        let (call, arguments) = match habit {
            Habit::Spins => return,
            Habit::Yields { .. } => (Call::Yield, [0; 5]),
            Habit::Sleeps { pause, .. } => {
                let until = (self.machine.now + pause) / 1000;
                let arguments = [until as u32, (until >> 32) as u32, 0, 0, 0];
                (Call::SleepUntil, arguments)
            }
            Habit::Calls { .. } if yields_next => (Call::Yield, [0; 5]),
            Habit::Calls { .. } => (Call::IpcCall, [other(1), 0, 7, 7, 0]),
            Habit::Serves { .. } => {
                let client = other(self.programs.len() - 1);
                let waits = self.waits_for_reply(client);
                (Call::IpcReply, [if waits { client } else { 0 }, 0, 7, 7, 0])
            }
        };
        self.programs[index].yields_next = call == Call::IpcCall;
        self.machine.call(cpu, call, arguments);
    }

    fn waits_for_reply(&self, id: u32) -> bool {
        let envs = self.machine.kernel.envs();
        let slot = envs.find(abi::EnvId(id as i32)).expect("it lives");
        matches!(envs[slot].wait, kcore::env::Wait::Reply(_))
    }

    fn had(&self) -> Vec<u64> {
        self.programs.iter().map(|program| program.had).collect()
    }
}

/// Makes a child of the environment on CPU 0 with these numbers.
fn child(machine: &mut Machine<'_>, priority: u32, shares: u32) -> u32 {
    let Answer::Value(id) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
        panic!("no child");
    };
    let policy = machine.kernel.config().policy as u32;
    assert_eq!(
        machine.call(CPU0, Call::EnvSetScheduling, [id, priority, shares, 0, 0]),
        Answer::Value(policy)
    );
    id
}

/// What each had of ten seconds.
pub(crate) fn ten_seconds(policy: Policy, cpus: u8, members: &[(Habit, u32)]) -> Vec<u64> {
    let spec = spec(policy, cpus);
    let mut store = Store::new(&spec);
    let mut trial = Trial::new(&mut store, spec, members);
    let start = trial.machine.now;
    trial.run_until(start + 10 * SECOND);
    trial.had()
}

/// By how much of the whole, in 1/100,000, the worst is off from its shares.
pub(crate) fn worst(had: &[u64], shares: &[u32], whole: u64) -> u64 {
    let all: u64 = shares.iter().map(|&shares| u64::from(shares)).sum();
    let of = |(&had, &shares): (&u64, &u32)| {
        let fair = whole * u64::from(shares) / all;
        had.abs_diff(fair) * 100_000 / whole
    };
    had.iter().zip(shares).map(of).max().unwrap_or(0)
}

pub(crate) fn spinners(shares: &[u32]) -> Vec<(Habit, u32)> {
    shares
        .iter()
        .map(|&shares| (Habit::Spins, shares))
        .collect()
}

#[test]
fn shares_are_kept_within_a_percent_over_ten_seconds() {
    let mixes: [&[u32]; 5] = [
        &[300, 200, 100],
        &[1000, 1, 100],
        &[1, 1, 1, 1, 1, 1, 1],
        &[999, 1000],
        &[7, 11, 13, 17, 19, 23, 29, 31, 37, 41],
    ];
    for shares in mixes {
        let had = ten_seconds(Policy::Stride, 1, &spinners(shares));
        let off = worst(&had, shares, 10 * SECOND);
        println!("{shares:?}: {off} in 100,000");
        assert!(off <= 200, "{shares:?} had {had:?}");
    }
}

/// Yielding at any pace neither gains nor loses.
#[test]
fn who_yields_often_has_its_shares() {
    for work in [50_000, 333_333, 9_999_999] {
        let shares = [300, 200, 100, 100];
        let mut members = spinners(&shares);
        members[0].0 = Habit::Yields { work };
        members[2].0 = Habit::Yields { work: work / 7 };
        let had = ten_seconds(Policy::Stride, 1, &members);
        let off = worst(&had, &shares, 10 * SECOND);
        println!("yields after {work}: {off} in 100,000");
        assert!(off <= 300, "{had:?}");
    }
}

/// Sleepers have what they want, if that is less than their shares, and the others share
/// the rest.
#[test]
fn who_sleeps_leaves_the_rest_to_the_others_by_shares() {
    let sleeps = Habit::Sleeps {
        work: MILLISECOND,
        pause: 49 * MILLISECOND,
    };
    let shares = [300, 200, 100];
    let mut members = spinners(&shares);
    members.push((sleeps, 100));
    members.push((sleeps, 1));
    let had = ten_seconds(Policy::Stride, 1, &members);
    let rest: u64 = had[..3].iter().sum();
    let off = worst(&had[..3], &shares, rest);
    println!(
        "beside sleepers: {off} in 100,000; they had {:?}",
        &had[3..]
    );
    assert!(off <= 300, "{had:?}");
    // One millisecond of fifty, and of the turns that the others have before.
    assert!(had[3] >= 10 * SECOND / 70, "{had:?}");
    assert!(had[3] <= 10 * SECOND / 49);
    // One share of those who never sleep, and what it had before it had to wait.
    assert!(had[4] <= 10 * SECOND / 601 + MILLISECOND, "{had:?}");
}

/// Who comes back after a long time does not make up for it.
#[test]
fn who_was_away_starts_at_the_present() {
    let sleeps = Habit::Sleeps {
        work: MILLISECOND,
        pause: 5 * SECOND,
    };
    let spec = spec(Policy::Stride, 1);
    let mut store = Store::new(&spec);
    let members = [(Habit::Spins, 100), (Habit::Spins, 100), (sleeps, 100)];
    let mut trial = Trial::new(&mut store, spec, &members);
    trial.run_until(4 * SECOND);
    let before = trial.had();
    trial.programs[2].habit = Habit::Spins;
    trial.run_until(8 * SECOND);
    let had: Vec<u64> = trial.had().iter().zip(before).map(|(a, b)| a - b).collect();
    // It was away for one second and a half of these four.
    assert!(had[2] <= SECOND + 20 * MILLISECOND, "{had:?}");
    assert!(had[0].abs_diff(had[1]) <= 20 * MILLISECOND, "{had:?}");
}

/// Two that call each other have no more than the shares of both: each is charged for its
/// own time, and if that is more than its shares, a call does not lend it the CPU.
#[test]
fn a_lent_quantum_is_charged_to_who_runs() {
    let work = |work| (Habit::Calls { work }, Habit::Serves { work: 4 * work });
    for (pair, others) in [([100, 100], 200), ([50, 200], 250), ([1, 1], 98)] {
        let (calls, serves) = work(500_000);
        let members = [
            (calls, pair[0]),
            (serves, pair[1]),
            (Habit::Spins, others),
            (Habit::Spins, others),
        ];
        let had = ten_seconds(Policy::Stride, 1, &members);
        let all = u64::from(pair[0] + pair[1] + 2 * others);
        let most = 10 * SECOND * u64::from(pair[0] + pair[1]) / all + 100 * MILLISECOND;
        println!("a pair of {pair:?} beside two of {others}: {had:?}");
        assert!(had[0] + had[1] <= most, "{had:?}");
        assert!(had[2].abs_diff(had[3]) <= 20 * MILLISECOND, "{had:?}");
    }
}

/// On four CPUs: what nobody has too many shares for.
#[test]
fn shares_are_kept_on_four_cpus() {
    let mixes: [(&[u32], u64); 3] = [
        (&[400, 300, 200, 100, 400, 300, 200, 100], 1000),
        (&[100; 13], 1000),
        (&[30, 20, 10, 30, 20, 10, 30, 20, 10], 1000),
    ];
    for (shares, most) in mixes {
        let had = ten_seconds(Policy::Stride, 4, &spinners(shares));
        let off = worst(&had, shares, 40 * SECOND);
        println!("on four CPUs, {shares:?}: {off} in 100,000");
        assert!(off <= most, "{shares:?} had {had:?}");
    }
}

/// One with more shares than a CPU is worth has a whole CPU, and no more for it later.
#[test]
fn more_shares_than_a_cpu_are_a_whole_cpu() {
    let mut shares = vec![1000];
    shares.extend([10; 6]);
    let had = ten_seconds(Policy::Stride, 4, &spinners(&shares));
    assert!(had[0] >= 10 * SECOND - 20 * MILLISECOND, "{had:?}");
    for &had in &had[1..] {
        assert!(had.abs_diff(5 * SECOND) <= SECOND / 10, "{had}");
    }
}

#[test]
fn a_lottery_draws_by_shares() {
    let shares = [300, 200, 100];
    let had = ten_seconds(Policy::Lottery, 1, &spinners(&shares));
    let off = worst(&had, &shares, 10 * SECOND);
    println!("a lottery: {off} in 100,000");
    // Chance: the standard deviation of 1,000 draws is 1.6 % of them.
    assert!(off <= 5_000, "{had:?}");
}

#[test]
fn round_robin_ignores_both_numbers() {
    let had = ten_seconds(Policy::RoundRobin, 1, &spinners(&[1000, 1, 100, 100]));
    let all = had.iter().max().zip(had.iter().min());
    assert!(all.is_some_and(|(most, least)| most - least <= 10 * MILLISECOND));
}

/// Whatever the numbers are, nobody who has shares waits for ever.
#[test]
fn nobody_with_shares_starves() {
    for policy in [Policy::RoundRobin, Policy::Stride, Policy::Lottery] {
        for cpus in [1, 4] {
            let shares = [100, 100, 1, 100, 100, 100, 100, 100, 100, 100];
            let spec = spec(policy, cpus);
            let mut store = Store::new(&spec);
            let mut trial = Trial::new(&mut store, spec, &spinners(&shares));
            trial.run_until(60 * SECOND);
            let waits: BTreeMap<u32, u64> = trial
                .programs
                .iter()
                .map(|program| (program.id, program.longest / MILLISECOND))
                .collect();
            println!("{policy:?} on {cpus}: longest waits in ms {waits:?}");
            let least = trial.had().into_iter().min();
            assert!(least > Some(0), "{policy:?} on {cpus}");
        }
    }
}

/// A policy is no reason to leave out a bit, and the kernel says which is in force.
#[test]
fn the_call_is_there_under_every_policy() {
    for policy in Policy::ALL {
        let spec = spec(policy, 1);
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        let Answer::Value(features) = machine.call(CPU0, Call::Features, [0; 5]) else {
            panic!("no features");
        };
        assert_eq!(features & FEATURE_SCHEDULING, FEATURE_SCHEDULING);
        let keep = [0, MAX_PRIORITY.into(), 1000, 0, 0];
        assert_eq!(
            machine.call(CPU0, Call::EnvSetScheduling, keep),
            Answer::Value(policy as u32)
        );
    }
}

/// The short ways know only round robin, so under another policy no step goes them.
#[test]
fn short_ways_are_round_robins() {
    for policy in Policy::ALL {
        let spec = spec(policy, 1);
        let mut store = Store::new(&spec);
        let mut trial = Trial::new(&mut store, spec, &spinners(&[100, 100]));
        let machine = &mut trial.machine;
        machine.tick(CPU0); // by now both have run
        machine.tick(CPU0);
        assert_eq!(machine.cpu(CPU0).mode, Mode::User);
        let mut frame = machine.cpu(CPU0).frame;
        frame.regs.eax = PERSONALITY.number(Call::Yield).unwrap_or(u32::MAX);
        let now = machine.now;
        let quick =
            machine
                .kernel
                .quick_step(Call::Yield, CPU0, || now, Event::Syscall, &mut frame);
        assert_eq!(quick.is_some(), policy == Policy::RoundRobin, "{policy:?}");
    }
}
