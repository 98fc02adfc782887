//! To the next thing of a kind, and back to the last.
//!
//! The hard thing is the end of what is known: beyond it one has to look, and perhaps
//! for ever, so a search has a limit.

use crate::session::Session;

/// What one can go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A position: an instruction, or a thing done on the way through the kernel.
    Position,
    /// A step of the kernel.
    Step,
    /// A CPU gets another environment, or none.
    Switch,
}

/// How far a search goes beyond what is known, in positions.
const FAR: u64 = 5_000_000;

impl Unit {
    /// By its number on the page.
    pub fn from_number(number: u32) -> Option<Unit> {
        [Unit::Position, Unit::Step, Unit::Switch]
            .get(number as usize)
            .copied()
    }
}

impl Session {
    /// Goes to the next thing of this kind, or the last; returns whether there is one.
    pub fn step(&mut self, unit: Unit, back: bool) -> bool {
        let here = self.position();
        let next = match (unit, back) {
            (Unit::Position, false) => Some(here + 1),
            (Unit::Position, true) => here.checked_sub(1),
            (Unit::Step, _) => self.story.next_step(here, back),
            (Unit::Switch, _) => self.story.next_switch(here, back),
        };
        if let Some(next) = next {
            return self.go_to(next) != here;
        }
        if back {
            return false;
        }
        let end = self.end();
        self.explore(FAR, |story| match unit {
            Unit::Switch => story.next_switch(end, false).is_some(),
            _ => story.next_step(end, false).is_some(),
        })
    }
}
