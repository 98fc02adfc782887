//! The search through all states, breadth first.
//!
//! The search keeps only the hash of each state, its predecessor and the transition
//! between them; whole states are kept only while they wait in the queue. The hard
//! thing is to check little and miss nothing. The audit is the expensive check. It
//! depends only on the kernel and memory, so each such pair is audited once,
//! however many states share it.

use super::scenarios::Scenario;
use super::state::{ByHash, Snapshots, State, forget_history};
use super::transitions::{Transition, apply, enabled};
use crate::checks::{Verdict, Violation};
use crate::machine::{Machine, Mode};
use std::collections::VecDeque;

/// A path from the initial state to a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// The path, in order.
    pub transitions: Vec<Transition>,
    /// The violation at its end.
    pub violation: Violation,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Different states reached.
    pub states: usize,
    /// Transitions made.
    pub transitions: u64,
    /// Transitions on the longest of all shortest paths to a state.
    pub depth: u32,
    /// States in which the run is over, or nothing can happen any more.
    pub ends: usize,
    /// A shortest path to a violation, if there is one.
    pub trail: Option<Trail>,
    /// Whether every state was reached.
    pub complete: bool,
}

/// Where a state was first reached from.
#[derive(Clone, Copy)]
struct Origin {
    parent: u32,
    transition: Option<Transition>,
}

struct Search<'s, 'm, 't> {
    scenario: &'s Scenario,
    machine: &'m mut Machine<'t>,
    snapshots: Snapshots,
    seen: ByHash<()>,
    audited: ByHash<()>,
    origins: Vec<Origin>,
    frontier: VecDeque<(State, u32, u32)>,
    outcome: Outcome,
}

/// Searches all states of a scenario, up to the first violation or `limit` states.
pub fn search(scenario: &Scenario, limit: usize) -> Outcome {
    scenario.with_machine(|machine| {
        let snapshots = Snapshots::new(machine);
        let mut search = Search {
            scenario,
            machine,
            snapshots,
            seen: ByHash::default(),
            audited: ByHash::default(),
            origins: Vec::new(),
            frontier: VecDeque::new(),
            outcome: Outcome {
                states: 0,
                transitions: 0,
                depth: 0,
                ends: 0,
                trail: None,
                complete: false,
            },
        };
        search.run(limit);
        search.outcome
    })
}

impl Search<'_, '_, '_> {
    fn run(&mut self, limit: usize) {
        let first = self.snapshots.take(self.machine, true);
        let origin = Origin {
            parent: 0,
            transition: None,
        };
        if let Err(violation) = self.reach(first, origin, 0) {
            self.outcome.trail = Some(self.trail(0, None, violation));
            return;
        }
        let mut next = Vec::new();
        while let Some((state, number, depth)) = self.frontier.pop_front() {
            if self.origins.len() >= limit {
                return;
            }
            self.snapshots.put(self.machine, &state);
            enabled(self.machine, self.scenario, &mut next);
            if next.is_empty() {
                self.outcome.ends += 1;
                if let Err(violation) = check_end(self.machine, self.scenario) {
                    self.outcome.trail = Some(self.trail(number, None, violation));
                    return;
                }
            }
            for &transition in &next {
                self.snapshots.put(self.machine, &state);
                if let Err(violation) = self.follow(transition, number, depth + 1) {
                    self.outcome.trail = Some(self.trail(number, Some(transition), violation));
                    return;
                }
            }
        }
        self.outcome.complete = true;
    }

    fn follow(&mut self, transition: Transition, parent: u32, depth: u32) -> Verdict {
        self.outcome.transitions += 1;
        apply(self.machine, self.scenario, transition)?;
        let state = self.snapshots.take(self.machine, transition.enters());
        let origin = Origin {
            parent,
            transition: Some(transition),
        };
        self.reach(state, origin, depth)
    }

    /// Records and checks a state, unless it was seen before.
    fn reach(&mut self, state: State, origin: Origin, depth: u32) -> Verdict {
        if self.seen.insert(state.hash(), ()).is_some() {
            return Ok(());
        }
        let new_for_audit =
            self.machine.holder.is_none() && self.audited.insert(state.kernel_hash(), ()).is_none();
        check(self.machine, self.scenario, new_for_audit)?;
        self.outcome.states += 1;
        self.outcome.depth = depth;
        let number = self.origins.len() as u32;
        self.origins.push(origin);
        self.frontier.push_back((state, number, depth));
        Ok(())
    }

    /// The path to state `number`, perhaps with one more transition.
    fn trail(&self, number: u32, last: Option<Transition>, violation: Violation) -> Trail {
        let mut transitions: Vec<Transition> = last.into_iter().collect();
        let mut at = number as usize;
        while let Some(Origin {
            parent,
            transition: Some(transition),
        }) = self.origins.get(at).copied()
        {
            transitions.push(transition);
            at = parent as usize;
        }
        transitions.reverse();
        Trail {
            transitions,
            violation,
        }
    }
}

/// Makes every check of a state; all must hold between two entries to the kernel.
pub(super) fn check(machine: &mut Machine<'_>, scenario: &Scenario, audit: bool) -> Verdict {
    machine.check_stray()?;
    machine.check_ghosts()?;
    if machine.holder.is_some() {
        return Ok(());
    }
    if audit {
        machine.audit().map_err(Violation::Audit)?;
    }
    if scenario.forbid_stale {
        machine.check_translations()?;
    }
    machine.check_quanta()?;
    machine.check_alarm()?;
    machine.check_ranks()?;
    machine.check_wake_ups()
}

/// Checks a machine in which nothing can happen any more: the run must be over, in
/// the way that the scenario wants.
fn check_end(machine: &Machine<'_>, scenario: &Scenario) -> Verdict {
    let resting = |mode| matches!(mode, Mode::Idle | Mode::Off);
    let is_end = machine.queued() == 0 && machine.cpus.iter().all(|cpu| resting(cpu.mode));
    match (is_end, scenario.all_end) {
        (false, _) => Err(Violation::Deadlock),
        (true, true) => machine.check_all_ended(),
        (true, false) => Ok(()),
    }
}

/// Walks one path again, from the initial state, and returns the verdict at its
/// end. Calls `each` just before each transition.
pub fn replay(
    scenario: &Scenario,
    transitions: &[Transition],
    mut each: impl FnMut(&Machine<'_>, Transition),
) -> Verdict {
    scenario.with_machine(|machine| {
        let mut next = Vec::new();
        for &transition in transitions {
            enabled(machine, scenario, &mut next);
            assert!(next.contains(&transition), "{transition} can happen");
            each(machine, transition);
            apply(machine, scenario, transition)?;
            forget_history(machine);
            check(machine, scenario, machine.holder.is_none())?;
        }
        enabled(machine, scenario, &mut next);
        if next.is_empty() {
            check_end(machine, scenario)?;
        }
        Ok(())
    })
}
