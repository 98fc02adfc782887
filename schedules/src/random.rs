//! Random priorities: the PCT scheduler (Burckhardt, Kothari, Musuvathi, Nagarakatte,
//! "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).
//!
//! Each CPU has a random priority, and the highest that can move goes on; at a few
//! random decisions it falls behind all others. A bug that needs `d` orders among `k`
//! decisions of `n` CPUs is hit with probability 1/(n k^(d-1)) at least. Here timers
//! and stores take part: a change may also be an interrupt by the timer, after which
//! another environment runs, or a store that becomes visible.
//!
//! The hard thing is a CPU of high priority that waits for another in a loop. When it
//! has lost its [patience](pc::plan::PATIENCE), it falls behind the others too.

use crate::Choices;
use crate::failure::Criteria;
use crate::trial::{Outcome, Trials};
use kcore::CpuId;
use pc::plan::{Choice, Own};
use sim::random::Stream;

/// The most changes of priority in a run.
const MOST_CHANGES: u64 = 4;

/// The priorities of a run.
struct Priorities {
    random: Stream,
    /// By CPU; the lowest is the one that moves last.
    of: Vec<i64>,
    lowest: i64,
    /// The decisions at which one falls, ascending; the next one is last.
    changes: Vec<u64>,
}

impl Priorities {
    /// Those of a seed, for a run of about so many decisions.
    fn new(seed: u64, cpus: u8, decisions: u64) -> Priorities {
        let mut random = Stream::new(seed);
        let mut draw = |limit: u64| u64::from(random.word()) % limit.max(1);
        let mut of: Vec<i64> = (1..=i64::from(cpus)).collect();
        for index in (1..of.len()).rev() {
            of.swap(index, draw(index as u64 + 1) as usize);
        }
        let count = draw(MOST_CHANGES + 1);
        let mut changes: Vec<u64> = (0..count).map(|_| draw(decisions)).collect();
        changes.sort_unstable_by(|a, b| b.cmp(a));
        Priorities {
            random,
            of,
            lowest: 0,
            changes,
        }
    }

    fn fall(&mut self, cpu: CpuId) {
        self.lowest -= 1;
        self.of[cpu.0 as usize] = self.lowest;
    }
}

impl Trials<'_> {
    /// A run with the priorities of a seed. `decisions` is about how many there will be.
    pub fn run_at_random(&mut self, seed: u64, decisions: u64, criteria: &Criteria<'_>) -> Outcome {
        let mut priorities = Priorities::new(seed, self.cpus(), decisions);
        let mut choices = Choices::new();
        self.begin();
        loop {
            if let Some(end) = self.look(criteria) {
                return self.outcome(end, choices);
            }
            if let Some(choice) = self.prefer(&mut priorities) {
                let number = self.chosen().decision();
                self.chosen().choose(choice);
                choices.push((number, choice));
            }
            self.pc.turn(u64::MAX);
        }
    }

    /// What the priorities say, if that is not what the machine does on its own.
    fn prefer(&mut self, priorities: &mut Priorities) -> Option<Choice> {
        let (number, current) = (self.chosen().decision(), self.chosen().current());
        let on_its_own = self.pc.own_move()?;
        if on_its_own == Own::IsInterrupted {
            priorities.fall(current);
            return None;
        }
        if priorities.changes.last().is_some_and(|&at| at <= number) {
            priorities.changes.pop();
            let others = self.alternatives();
            let changes: Vec<Choice> = others
                .into_iter()
                .filter(|choice| !matches!(choice, Choice::Switch(_)))
                .collect();
            let pick = priorities.random.word() as usize % (changes.len() + 1);
            match changes.get(pick) {
                Some(&choice) => return Some(choice),
                None => priorities.fall(current),
            }
        }
        let movable = (0..self.cpus())
            .map(CpuId)
            .filter(|&cpu| self.pc.can_move(cpu));
        let best = movable.max_by_key(|cpu| priorities.of[cpu.0 as usize])?;
        let next = match on_its_own {
            Own::Leaves(successor) => successor,
            Own::GoesOn | Own::IsInterrupted => current,
        };
        (best != next).then_some(Choice::Switch(best))
    }
}
