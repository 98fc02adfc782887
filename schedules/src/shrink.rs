//! The fewest choices that still fail.
//!
//! A schedule that was found at random chooses dozens of times, and two or three of
//! those matter. Each is left out, in turn and in groups, and what still fails in the
//! same way is kept (delta debugging; Zeller and Hildebrandt, 2002). The hard thing is
//! that choices go by numbers: without one, those after it may come to mean something
//! else. A run says what they mean; if it fails, that is good enough. What is left need
//! not be the shortest there is; a short [search](crate::bounded) may find a shorter one.

use crate::Choices;
use crate::bounded::Search;
use crate::failure::Criteria;
use crate::trial::{Outcome, Trials};

/// How much may be spent on it.
pub struct Effort<'a> {
    /// The most runs to leave choices out.
    pub runs: u64,
    /// The most states in the search for a shorter one.
    pub states: u64,
    /// Asked before each of them: whether to be content with what there is.
    pub is_over: &'a mut dyn FnMut() -> bool,
}

impl Trials<'_> {
    /// Makes a schedule that fails shorter, by leaving choices out. Returns its last run,
    /// which failed in the same way.
    pub fn shrink(
        &mut self,
        found: Outcome,
        criteria: &Criteria<'_>,
        effort: &mut Effort<'_>,
    ) -> Outcome {
        let end = self.runs + effort.runs;
        let mut goes_on = |runs| runs < end && !(effort.is_over)();
        let mut best = found;
        let mut size = best.choices.len().div_ceil(2);
        while size > 0 {
            match self.without_some(&best, size, criteria, &mut goes_on) {
                Some(shorter) => {
                    best = shorter;
                    size = size.min(best.choices.len().div_ceil(2));
                }
                None => size /= 2,
            }
        }
        best
    }

    /// As [`Trials::shrink`], and then a search for one with fewer choices.
    pub fn shorten(
        &mut self,
        found: Outcome,
        criteria: &Criteria<'_>,
        mut effort: Effort<'_>,
    ) -> Outcome {
        let best = self.shrink(found, criteria, &mut effort);
        let Some(bound) = best.choices.len().checked_sub(1) else {
            return best;
        };
        let mut search = Search::new(criteria, bound as u32);
        let other = search.run(self, |coverage| {
            coverage.states <= effort.states && !(effort.is_over)()
        });
        let other = other
            .filter(|other| other.choices.len() < best.choices.len() && is_alike(&best, other));
        // The machine shows the run that is returned.
        let best = other.unwrap_or(best);
        self.run(&best.choices, criteria)
    }

    /// A run that fails like `found`, without some `size` of its choices in a row.
    fn without_some(
        &mut self,
        found: &Outcome,
        size: usize,
        criteria: &Criteria<'_>,
        goes_on: &mut dyn FnMut(u64) -> bool,
    ) -> Option<Outcome> {
        let choices = &found.choices;
        // From the end: those after the failure go at once.
        let mut starts: Vec<usize> = (0..choices.len()).step_by(size).collect();
        starts.reverse();
        for start in starts {
            if !goes_on(self.runs) {
                return None;
            }
            let after = (start + size).min(choices.len());
            let rest: Choices = [&choices[..start], &choices[after..]].concat();
            let outcome = self.run(&rest, criteria);
            if is_alike(found, &outcome) {
                return Some(outcome);
            }
        }
        None
    }
}

/// Whether both fail, in the same way.
fn is_alike(one: &Outcome, other: &Outcome) -> bool {
    match (&one.failure, &other.failure) {
        (Some(one), Some(other)) => one.is_like(other),
        _ => false,
    }
}
