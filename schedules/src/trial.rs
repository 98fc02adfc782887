//! One run, from the boot, under a schedule.
//!
//! The machine is made once; each trial goes back to its boot. The hard thing is to
//! look for failures no more often than needed: console and end after each turn, the
//! whole state of the kernel only when the run is over, unless more is asked for.

use crate::Choices;
use crate::failure::{Criteria, Failure};
use kcore::CpuId;
use pc::Pc;
use pc::plan::{Choice, Chosen, Own, Plan};
use pc::snapshot::{Snapshot, Snapshots};
use sim::explorer::state::{Hash128, Mixer};
use sim::machine::Mode;
use std::hash::Hash;

/// A machine on which trials are made.
pub struct Trials<'t> {
    /// The machine.
    pub(crate) pc: Pc<'t>,
    pub(crate) snapshots: Snapshots,
    boot: Snapshot,
    pub(crate) heard: Heard,
    /// How many runs were begun.
    pub runs: u64,
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it failed, if it did.
    pub failure: Option<Failure>,
    /// The choices that were made.
    pub choices: Choices,
    /// How many decisions there were.
    pub decisions: u64,
    /// How many positions.
    pub positions: u64,
}

/// What was printed, a line at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// A line that has not ended yet.
    pub(crate) begun: String,
    /// How many of the lines that must be printed were.
    pub(crate) printed: usize,
}

impl<'t> Trials<'t> {
    /// Trials of what was booted on this machine, whose plan is of the kind
    /// [`Plan::Chosen`], from its present state.
    pub fn new(mut pc: Pc<'t>) -> Trials<'t> {
        let mut snapshots = Snapshots::new(&mut pc);
        let boot = snapshots.take(&mut pc);
        Trials {
            pc,
            snapshots,
            boot,
            heard: Heard::default(),
            runs: 0,
        }
    }

    /// The machine, after the latest run.
    pub fn pc(&self) -> &Pc<'t> {
        &self.pc
    }

    /// How many CPUs there are.
    pub fn cpus(&self) -> u8 {
        self.pc.machine.cpus.len() as u8
    }

    /// Runs with these choices.
    pub fn run(&mut self, choices: &[(u64, Choice)], criteria: &Criteria<'_>) -> Outcome {
        self.begin();
        *self.pc.plan_mut() = Plan::Chosen(Chosen::new(choices));
        loop {
            if let Some(end) = self.look(criteria) {
                return self.outcome(end, choices.to_vec());
            }
            self.pc.turn(u64::MAX);
        }
    }

    /// Goes back to the boot.
    pub(crate) fn begin(&mut self) {
        self.runs += 1;
        self.heard = Heard::default();
        self.snapshots.put(&mut self.pc, &self.boot);
    }

    pub(crate) fn outcome(&mut self, failure: Option<Failure>, choices: Choices) -> Outcome {
        Outcome {
            failure,
            choices,
            decisions: self.chosen().decision(),
            positions: self.pc.position(),
        }
    }

    /// What decides what comes next if nobody chooses, and how it is judged, as a
    /// number; but for time.
    pub(crate) fn state(&mut self) -> Hash128 {
        let memory = self.snapshots.memory_hash(&mut self.pc);
        let mut mixer = Mixer::default();
        self.pc.outline(memory).hash(&mut mixer);
        self.chosen().memory().hash(&mut mixer);
        (&self.heard.begun, self.heard.printed).hash(&mut mixer);
        mixer.both()
    }

    /// The plan.
    pub(crate) fn chosen(&mut self) -> &mut Chosen {
        match self.pc.plan_mut() {
            Plan::Chosen(plan) => plan,
            _ => unreachable!("trials have chosen plans"),
        }
    }

    /// Whether the run is over, and how it failed if it did.
    pub(crate) fn look(&mut self, criteria: &Criteria<'_>) -> Option<Option<Failure>> {
        if !self.pc.machine.uart.output.is_empty() {
            let output = self.pc.take_output();
            if let Some(line) = self.heard.hear(&output, criteria) {
                return Some(Some(Failure::Line(line)));
            }
        }
        if criteria.audit
            && let Err(broken) = self.pc.check()
        {
            return Some(Some(Failure::Broken(broken.to_string())));
        }
        let positions = self.pc.position();
        let is_over = self.pc.has_ended() || self.pc.is_asleep() || positions >= criteria.most;
        is_over.then(|| self.judge_end(criteria))
    }

    fn judge_end(&mut self, criteria: &Criteria<'_>) -> Option<Failure> {
        if let Err(broken) = self.pc.machine.audit() {
            return Some(Failure::Broken(format!("{broken:?}")));
        }
        if let Some(line) = self.heard.hear(b"\n", criteria) {
            return Some(Failure::Line(line));
        }
        let missing = || criteria.missing(self.heard.printed);
        if !criteria.hang {
            return missing();
        }
        if !self.pc.has_ended() && !self.pc.is_asleep() {
            return Some(Failure::NoProgress(self.pc.position()));
        }
        let envs = self.pc.machine.kernel.envs();
        match envs.used().any(|slot| envs[slot].alive) {
            true => Some(Failure::Asleep),
            false => missing(),
        }
    }

    /// Whether the CPU that moved last could go on.
    pub(crate) fn can_go_on(&mut self) -> bool {
        let current = self.chosen().current();
        self.pc.can_move(current)
    }

    /// What can be chosen now beside what the machine does on its own. A CPU that would
    /// be left may go on all the same.
    pub(crate) fn alternatives(&mut self) -> Vec<Choice> {
        let current = self.chosen().current();
        let on_its_own = match self.pc.own_move() {
            Some(Own::GoesOn) => Some(current),
            Some(Own::Leaves(successor)) => Some(successor),
            Some(Own::IsInterrupted) | None => None,
        };
        let cpus = (0..self.cpus()).map(CpuId);
        let others = cpus.filter(|&cpu| Some(cpu) != on_its_own && self.pc.can_move(cpu));
        let mut found: Vec<Choice> = others.map(Choice::Switch).collect();
        let in_ring3 = self.pc.machine.cpu(current).mode == Mode::User;
        if in_ring3 && self.pc.machine.queued() > 0 {
            found.push(Choice::Ring(current));
        }
        let stores = (0..self.cpus())
            .map(CpuId)
            .filter(|&cpu| self.pc.has_stores(cpu));
        found.extend(stores.map(Choice::Drain));
        found
    }
}

impl Heard {
    /// Hears output; returns the first line that is a failure.
    pub(crate) fn hear(&mut self, output: &[u8], criteria: &Criteria<'_>) -> Option<String> {
        self.begun.push_str(&String::from_utf8_lossy(output));
        while let Some((line, rest)) = self.begun.split_once('\n') {
            let (line, rest) = (line.trim_end_matches('\r').to_owned(), rest.to_owned());
            self.begun = rest;
            if (criteria.line)(&line) {
                return Some(line);
            }
            let next = criteria.prints.get(self.printed);
            self.printed += usize::from(next.is_some_and(|text| line.contains(text)));
        }
        None
    }
}
