//! From one stop to the next, forwards and backwards.
//!
//! Backwards there is nothing to do but to go forwards from an earlier position and to
//! keep the last stop before this one. The hard thing is to do that fast both when the
//! stop is near and when it is far: so the earlier position is a few hundred away at
//! first, and each time four times as many.

use kcore::CpuId;

use super::session::{STRETCH, Session};
use super::stops::{Hit, Transition};

/// Positions that are searched first, backwards.
const NEAR: u64 = 256;
/// The most positions that are searched at once.
const FAR: u64 = 1 << 20;

/// Where somebody wants to go, if no stop comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// As far as the run goes.
    Nowhere,
    /// One instruction of this CPU, and out of the kernel if that led into it.
    Instruction(CpuId),
    /// One thing that happens in the kernel, or an interrupt.
    Kernel,
}

/// Why somebody stands where he stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The goal was reached.
    There,
    /// A breakpoint or a watch.
    Hit(Hit),
    /// The beginning of the history.
    Beginning,
    /// The end of the run, or nothing moves before somebody types.
    End,
    /// Somebody did not want to wait any longer.
    Interrupted,
}

impl Session<'_> {
    /// Goes on to the next stop, but for a breakpoint that we stand at because of it.
    pub fn ahead(&mut self, goal: Goal, interrupted: &mut dyn FnMut() -> bool) -> Stop {
        let start = self.position();
        let mut seen = self.seen();
        let mut asked = start;
        let mut reached = false;
        loop {
            if self.position() - asked >= STRETCH {
                asked = self.position();
                if interrupted() {
                    return Stop::Interrupted;
                }
            }
            if goal == Goal::Nowhere && self.stops.are_none() {
                if self.forward(STRETCH) == 0 {
                    return Stop::End;
                }
                self.focus = self.pc.latest();
                continue;
            }
            let Some(transition) = self.transition() else {
                return Stop::End;
            };
            let skipped = transition.before == start
                && (self.stands_at == Some((start, transition.cpu))
                    || goal.is_reached_by(&transition));
            if let Some(hit) = self.hit(&transition, &mut seen, skipped) {
                if hit.is_before() {
                    self.go_to(transition.before);
                    self.stands_at = Some((transition.before, transition.cpu));
                }
                self.focus = transition.cpu;
                return Stop::Hit(hit);
            }
            reached |= goal.is_reached_by(&transition);
            if reached && self.is_outside(goal) {
                self.focus = transition.cpu;
                return Stop::There;
            }
        }
    }

    /// Goes to a position, or as far as the run goes, whatever there is to stop for.
    pub fn to(&mut self, position: u64, interrupted: &mut dyn FnMut() -> bool) -> Stop {
        self.go_to(position.min(self.history.end()).max(self.history.start()));
        while self.position() < position {
            let left = (position - self.position()).min(STRETCH);
            let moved = self.forward(left);
            self.focus = self.pc.latest();
            if moved == 0 {
                return Stop::End;
            }
            if interrupted() {
                return Stop::Interrupted;
            }
        }
        Stop::There
    }

    /// As [`Session::to`], with the CPU in focus that moves next: whoever names a position
    /// wants to see what happens there.
    pub fn to_what_happens(
        &mut self,
        position: u64,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Stop {
        let stop = self.to(position, interrupted);
        if stop == Stop::There
            && let Some(next) = self.transition()
        {
            self.go_to(next.before);
            self.focus = next.cpu;
        }
        stop
    }

    /// Goes back to the last stop before this position: to where the next transition
    /// hits a breakpoint, changes what is watched, or is what the goal says.
    pub fn behind(&mut self, goal: Goal, interrupted: &mut dyn FnMut() -> bool) -> Stop {
        let beginning = self.history.start();
        let mut high = self.position();
        let mut size = NEAR;
        while high > beginning {
            let low = self.not_before_a_change(high.saturating_sub(size).max(beginning), high);
            if let Some((transition, stop)) = self.last_between(low, high, goal) {
                self.go_to(transition.before);
                self.focus = transition.cpu;
                self.stands_at = Some((transition.before, transition.cpu));
                return stop;
            }
            if interrupted() {
                self.go_to(low);
                return Stop::Interrupted;
            }
            high = low;
            size = (size * 4).min(FAR);
        }
        self.go_to(beginning);
        Stop::Beginning
    }

    /// Whoever goes back before a change undoes it: so first everything after it is
    /// searched.
    fn not_before_a_change(&self, low: u64, high: u64) -> u64 {
        let change = self.history.changed().filter(|&change| change < high);
        change.map_or(low, |change| low.max(change))
    }

    /// The last transition worth a stop that begins in `low..high`.
    fn last_between(&mut self, low: u64, high: u64, goal: Goal) -> Option<(Transition, Stop)> {
        self.go_to(low);
        let mut seen = self.seen();
        let mut last = None;
        while self.position() < high {
            let Some(transition) = self.transition() else {
                break;
            };
            if goal.is_reached_by(&transition) {
                last = Some((transition, Stop::There));
            } else if let Some(hit) = self.hit(&transition, &mut seen, false)
                && goal == Goal::Nowhere
            {
                last = Some((transition, Stop::Hit(hit)));
            }
        }
        last
    }

    /// Whether the CPU that somebody leads is out of the kernel.
    fn is_outside(&self, goal: Goal) -> bool {
        match goal {
            Goal::Instruction(cpu) => self.pc.is_in_ring3(cpu),
            Goal::Nowhere | Goal::Kernel => true,
        }
    }
}

impl Goal {
    fn is_reached_by(self, transition: &Transition) -> bool {
        match self {
            Goal::Nowhere => false,
            Goal::Instruction(cpu) => cpu == transition.cpu && transition.executed.is_some(),
            Goal::Kernel => transition.executed.is_none(),
        }
    }
}
