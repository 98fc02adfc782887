//! The fewest choices that still fail.
//!
//! A schedule that was found at random chooses dozens of times, and two or three of
//! those matter. Each is left out, in turn and in groups, and what still fails in the
//! same way is kept (delta debugging; Zeller and Hildebrandt, 2002). The hard thing is
//! that choices go by numbers: without one, those after it may come to mean something
//! else. A run says what they mean; if it fails, that is good enough.

use crate::Choices;
use crate::failure::{Criteria, Failure};
use crate::trial::{Outcome, Trials};
use pc::plan::Choice;

impl Trials<'_> {
    /// Makes a schedule that fails shorter, with at most `most` runs. Returns its last
    /// run, which failed in the same way.
    pub fn shrink(&mut self, found: Outcome, criteria: &Criteria<'_>, most: u64) -> Outcome {
        let Some(failure) = found.failure.clone() else {
            return found;
        };
        let end = self.runs + most;
        let mut best = found;
        let mut size = best.choices.len().div_ceil(2);
        while size > 0 && self.runs < end {
            match self.without_some(&best.choices, size, &failure, criteria, end) {
                Some(shorter) => {
                    best = shorter;
                    size = size.min(best.choices.len().div_ceil(2));
                }
                None => size /= 2,
            }
        }
        best
    }

    /// A run that fails alike without some `size` choices in a row.
    fn without_some(
        &mut self,
        choices: &[(u64, Choice)],
        size: usize,
        failure: &Failure,
        criteria: &Criteria<'_>,
        end: u64,
    ) -> Option<Outcome> {
        // From the end: those after the failure go at once.
        let mut starts: Vec<usize> = (0..choices.len()).step_by(size).collect();
        starts.reverse();
        for start in starts {
            if self.runs >= end {
                return None;
            }
            let after = (start + size).min(choices.len());
            let rest: Choices = [&choices[..start], &choices[after..]].concat();
            let outcome = self.run(&rest, criteria);
            if outcome
                .failure
                .as_ref()
                .is_some_and(|other| other.is_like(failure))
            {
                return Some(outcome);
            }
        }
        None
    }
}
