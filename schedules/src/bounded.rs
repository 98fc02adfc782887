//! Everything with few pre-emptions (Musuvathi and Qadeer, "Iterative Context Bounding
//! for Systematic Testing of Multithreaded Programs", PLDI 2007).
//!
//! Most bugs need only one or two switches at the wrong moment. So the search begins
//! with none, then tries each place for one, and so on. To leave a CPU that cannot go
//! on is free; to leave one that could, to let its timer ring or a store out of its
//! buffer counts.
//!
//! The hard thing is to do nothing twice. A state that was seen with as much of the
//! bound left leads to nothing new, whatever way led there; states are compared by a
//! hash of 128 bits that leaves time out.

use crate::Choices;
use crate::failure::Criteria;
use crate::trial::{Heard, Outcome, Trials};
use pc::plan::Choice;
use pc::snapshot::Snapshot;
use sim::explorer::state::ByHash;
use std::collections::hash_map::Entry;
use std::rc::Rc;

/// Decisions between two snapshots to begin from.
const APART: u64 = 8;

/// What a search has covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Schedules begun, and followed until their end or a state that was seen.
    pub schedules: u64,
    /// Different states at decisions.
    pub states: u64,
    /// Runs that were given up because they took too long.
    pub given_up: u64,
    /// All schedules with at most so many pre-emptions were covered; none if not even
    /// those without.
    pub complete: Option<u32>,
}

/// A schedule to be tried: one more choice, after what led to a snapshot.
struct Branch {
    /// All choices; the last one is still to be made.
    choices: Choices,
    from: Rc<Point>,
}

/// A place to begin from.
struct Point {
    snapshot: Snapshot,
    heard: Heard,
}

/// A search.
pub struct Search<'a, 'c> {
    criteria: &'a Criteria<'c>,
    /// The most pre-emptions by which each state was reached.
    seen: ByHash<u32>,
    /// By the number of pre-emptions: what is still to be tried.
    pending: Vec<Vec<Branch>>,
    /// What was covered.
    pub coverage: Coverage,
}

impl<'a, 'c> Search<'a, 'c> {
    /// A search for this, with at most `bound` pre-emptions.
    pub fn new(criteria: &'a Criteria<'c>, bound: u32) -> Search<'a, 'c> {
        Search {
            criteria,
            seen: ByHash::default(),
            pending: (0..=bound).map(|_| Vec::new()).collect(),
            coverage: Coverage::default(),
        }
    }

    /// Searches until something fails, all is covered, or `goes_on` says no, which is
    /// asked before each schedule.
    pub fn run(
        &mut self,
        trials: &mut Trials<'_>,
        mut goes_on: impl FnMut(&Coverage) -> bool,
    ) -> Option<Outcome> {
        trials.begin();
        let first = Branch {
            choices: Choices::new(),
            from: Rc::new(Point::here(trials)),
        };
        self.pending[0].push(first);
        for used in 0..self.pending.len() {
            while let Some(branch) = self.pending[used].pop() {
                if !goes_on(&self.coverage) {
                    return None;
                }
                self.coverage.schedules += 1;
                let outcome = self.follow(trials, branch, used);
                if outcome
                    .as_ref()
                    .is_some_and(|outcome| outcome.failure.is_some())
                {
                    return outcome;
                }
            }
            self.coverage.complete = Some(used as u32);
        }
        None
    }

    /// Follows a schedule with `used` pre-emptions, and notes what else could be chosen
    /// along the way. Returns nothing if it came to a state that was seen.
    fn follow(&mut self, trials: &mut Trials<'_>, branch: Branch, used: usize) -> Option<Outcome> {
        let Branch { choices, from } = branch;
        from.go_back(trials);
        let last = choices.last().copied();
        trials.chosen().choose_all(last.as_slice());
        let mut point = None;
        loop {
            if let Some(end) = trials.look(self.criteria) {
                let outcome = trials.outcome(end, choices);
                let given_up = outcome.failure.is_none() && outcome.positions >= self.criteria.most;
                self.coverage.given_up += u64::from(given_up);
                return Some(outcome);
            }
            let number = trials.chosen().decision();
            if last.is_none_or(|(at, _)| number > at) {
                if !self.is_new(trials, used) {
                    return None;
                }
                self.branch(trials, &choices, number, used, &mut point);
            }
            trials.pc.turn(u64::MAX);
        }
    }

    /// Whether the present state was never reached with so few pre-emptions.
    fn is_new(&mut self, trials: &mut Trials<'_>, used: usize) -> bool {
        let memory = trials.snapshots.memory_hash(&mut trials.pc);
        let current = trials.chosen().current();
        let state = trials.pc.outline(memory) ^ u128::from(current.0) << 64;
        let used = used as u32;
        match self.seen.entry(state) {
            Entry::Occupied(entry) if *entry.get() <= used => false,
            Entry::Occupied(mut entry) => {
                entry.insert(used);
                true
            }
            Entry::Vacant(entry) => {
                entry.insert(used);
                self.coverage.states += 1;
                true
            }
        }
    }

    /// Notes what else could be chosen here, if the bound allows it.
    fn branch(
        &mut self,
        trials: &mut Trials<'_>,
        choices: &[(u64, Choice)],
        number: u64,
        used: usize,
        point: &mut Option<(u64, Rc<Point>)>,
    ) {
        let must_leave = !trials.can_go_on();
        for choice in trials.alternatives() {
            let is_free = must_leave && matches!(choice, Choice::Switch(_));
            let Some(pending) = self.pending.get_mut(used + usize::from(!is_free)) else {
                continue;
            };
            let from = match point {
                Some((at, point)) if number < *at + APART => point.clone(),
                _ => {
                    let here = Rc::new(Point::here(trials));
                    point.insert((number, here)).1.clone()
                }
            };
            let mut choices = choices.to_vec();
            choices.push((number, choice));
            pending.push(Branch { choices, from });
        }
    }
}

impl Point {
    fn here(trials: &mut Trials<'_>) -> Point {
        Point {
            snapshot: trials.snapshots.take(&mut trials.pc),
            heard: trials.heard.clone(),
        }
    }

    fn go_back(&self, trials: &mut Trials<'_>) {
        trials.runs += 1;
        trials.heard = self.heard.clone();
        trials.snapshots.put(&mut trials.pc, &self.snapshot);
    }
}
