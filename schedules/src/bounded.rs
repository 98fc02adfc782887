//! Everything with few pre-emptions (Musuvathi and Qadeer, "Iterative Context Bounding
//! for Systematic Testing of Multithreaded Programs", PLDI 2007).
//!
//! Most bugs need only one or two switches at the wrong moment. So the search begins
//! with none, then tries each place for one, and so on. What the machine does on its own
//! is free, and so is it to leave a CPU that cannot go on, whichever goes on instead;
//! every other choice counts.
//!
//! The hard thing is to do nothing twice and to leave nothing out. A state that was seen
//! with as much of the bound left leads to nothing new, whatever way led there; a state
//! is all that decides what comes next if nobody chooses, the patience of a CPU that
//! waits in a loop included. States are compared by a hash of 128 bits that leaves time
//! out.

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
/// The most such snapshots at a time, of some hundred kilobytes each. Without one nearby
/// a schedule begins farther back.
const MOST_POINTS: usize = 2000;

/// What a search has covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Schedules followed until their end or a state that was seen.
    pub schedules: u64,
    /// Different states at decisions.
    pub states: u64,
    /// Runs that were given up because they took too long.
    pub given_up: u64,
    /// All schedules with at most so many pre-emptions were covered; none if not even
    /// those without.
    pub complete: Option<u32>,
}

/// A schedule to be tried.
struct Branch {
    /// All choices; those from the snapshot on are still to be made.
    choices: Choices,
    from: Rc<Point>,
}

/// A place to begin from.
struct Point {
    snapshot: Snapshot,
    heard: Heard,
    /// The number of the decision there.
    decision: u64,
    /// One of its search's.
    _counted: Rc<()>,
}

/// How far a schedule was followed.
enum Followed {
    ToItsEnd(Outcome),
    /// To a state that was seen.
    Merged,
    /// Until there was not to be more.
    Stopped,
}

/// A search.
pub struct Search<'a, 'c> {
    criteria: &'a Criteria<'c>,
    /// The fewest pre-emptions by which each state was reached.
    seen: ByHash<u32>,
    /// By the number of pre-emptions: what is still to be tried.
    pending: Vec<Vec<Branch>>,
    /// Shared with every point there is.
    points: Rc<()>,
    most_points: usize,
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
            points: Rc::new(()),
            most_points: MOST_POINTS,
            coverage: Coverage::default(),
        }
    }

    /// Searches until something fails, all is covered, or `goes_on` says no, which is
    /// asked at each new state. Returns the run that failed.
    pub fn run(
        &mut self,
        trials: &mut Trials<'_>,
        mut goes_on: impl FnMut(&Coverage) -> bool,
    ) -> Option<Outcome> {
        trials.begin();
        let first = Branch {
            choices: Choices::new(),
            from: self.point(trials),
        };
        self.pending[0].push(first);
        for used in 0..self.pending.len() {
            while let Some(branch) = self.pending[used].pop() {
                match self.follow(trials, branch, used, &mut goes_on) {
                    Followed::Stopped => return None,
                    Followed::Merged => {}
                    Followed::ToItsEnd(outcome) if outcome.failure.is_some() => {
                        return Some(outcome);
                    }
                    Followed::ToItsEnd(outcome) => {
                        let given_up = outcome.positions >= self.criteria.most;
                        self.coverage.given_up += u64::from(given_up);
                    }
                }
                self.coverage.schedules += 1;
            }
            self.coverage.complete = Some(used as u32);
        }
        None
    }

    /// Follows a schedule with `used` pre-emptions, and notes what else could be chosen
    /// along the way.
    fn follow(
        &mut self,
        trials: &mut Trials<'_>,
        branch: Branch,
        used: usize,
        goes_on: &mut dyn FnMut(&Coverage) -> bool,
    ) -> Followed {
        let Branch { choices, from } = branch;
        from.go_back(trials, &choices);
        let last = choices.last().map(|&(at, _)| at);
        let mut point = from;
        loop {
            if let Some(end) = trials.look(self.criteria) {
                return Followed::ToItsEnd(trials.outcome(end, choices));
            }
            let number = trials.chosen().decision();
            if last.is_none_or(|at| number > at) {
                if !self.is_new(trials, used) {
                    return Followed::Merged;
                }
                if !goes_on(&self.coverage) {
                    return Followed::Stopped;
                }
                self.branch(trials, &choices, used, &mut point);
            }
            trials.pc.turn(u64::MAX);
        }
    }

    /// Whether the present state was never reached with so few pre-emptions.
    fn is_new(&mut self, trials: &mut Trials<'_>, used: usize) -> bool {
        let used = used as u32;
        match self.seen.entry(trials.state()) {
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

    /// Notes what else could be chosen here, if the bound allows it. `point` is the
    /// latest one on the way here.
    fn branch(
        &mut self,
        trials: &mut Trials<'_>,
        choices: &[(u64, Choice)],
        used: usize,
        point: &mut Rc<Point>,
    ) {
        let must_leave = !trials.can_go_on();
        let number = trials.chosen().decision();
        for choice in trials.alternatives() {
            let is_free = must_leave && matches!(choice, Choice::Switch(_));
            let pre_emptions = used + usize::from(!is_free);
            if pre_emptions >= self.pending.len() {
                continue;
            }
            if number >= point.decision + APART
                && Rc::strong_count(&self.points) <= self.most_points
            {
                *point = self.point(trials);
            }
            let branch = Branch {
                choices: [choices, &[(number, choice)]].concat(),
                from: point.clone(),
            };
            self.pending[pre_emptions].push(branch);
        }
    }

    fn point(&self, trials: &mut Trials<'_>) -> Rc<Point> {
        Rc::new(Point {
            snapshot: trials.snapshots.take(&mut trials.pc),
            heard: trials.heard.clone(),
            decision: trials.chosen().decision(),
            _counted: self.points.clone(),
        })
    }
}

impl Point {
    /// Goes back there, to make these choices from there on.
    fn go_back(&self, trials: &mut Trials<'_>, choices: &[(u64, Choice)]) {
        trials.runs += 1;
        trials.heard = self.heard.clone();
        trials.snapshots.put(&mut trials.pc, &self.snapshot);
        let made = choices.partition_point(|&(at, _)| at < self.decision);
        trials.chosen().choose_all(&choices[made..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{Call, Personality};
    use pc::Pc;
    use pc::plan::{Chosen, Plan};
    use sim::code::{Code, DATA, pair};
    use sim::machine::{Machine, Spec, Store};

    /// Without a snapshot nearby a schedule begins farther back, and comes to the same.
    #[test]
    fn points_only_save_time() {
        let spec = Spec {
            cpus: 2,
            quantum: 0,
            ..Spec::default()
        };
        let mut store = Store::new(&spec);
        let mut machine = Machine::new(&mut store, spec);
        let prints = Code::default().call(Call::Cputs, DATA, 2);
        let file = pair(prints.clone(), prints, b".\n");
        let made = machine.boot_image(&file, &[], Personality::Lab4);
        made.expect("the image loads");
        let plan = Plan::Chosen(Chosen::new(&[]));
        let mut trials = Trials::new(Pc::with_plan(machine, plan, false));
        let criteria = Criteria {
            line: &|_| false,
            prints: &[],
            hang: true,
            audit: true,
            most: 100_000,
        };
        // Who has printed another line so far is judged otherwise at the end.
        let before = trials.state();
        trials.heard.printed = 1;
        assert_ne!(trials.state(), before);
        let mut cover = |most_points| {
            let mut search = Search::new(&criteria, 3);
            search.most_points = most_points;
            assert!(search.run(&mut trials, |_| true).is_none());
            search.coverage
        };
        let covered = cover(MOST_POINTS);
        assert!(covered.schedules > 10 && covered.complete == Some(3));
        assert_eq!(cover(0), covered);
    }
}
