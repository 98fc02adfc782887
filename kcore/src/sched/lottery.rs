//! Another policy, kept as an example: each time one of those who wait is drawn.
//!
//! It stands in for `round_robin.rs` with the feature `lottery`, and shows how much a
//! policy is: this file. The hard thing is chance in a state machine. The next draw
//! follows from the state, so a recorded run replays and equal states behave equally;
//! and it is made before anybody asks, as whoever is next is looked at before it is
//! taken.

use crate::env::{EnvTable, Queue};
use crate::ids::{Link, Slot};

/// Those who wait, and who of them was drawn. All-zero is nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    waiting: Queue,
    drawn: Link,
    /// What the last draw was made of.
    chance: u32,
}

impl Policy {
    /// `slot` waits for a CPU from now on.
    pub(crate) fn add(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.waiting.push_back(envs, slot);
        if self.drawn == Link::NONE {
            self.drawn = Link::to(slot);
        }
    }

    /// Who is next, if anybody waits.
    pub(crate) fn next(&self) -> Option<Slot> {
        self.drawn.get()
    }

    /// The one who is next gets a CPU.
    pub(crate) fn take_next(&mut self, envs: &mut EnvTable<'_>) {
        if let Some(slot) = self.drawn.get() {
            self.remove(envs, slot);
        }
    }

    /// `slot`, which waits, does so no more.
    pub(crate) fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.waiting.remove(envs, slot);
        if self.drawn == Link::to(slot) {
            self.draw(envs);
        }
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// All who wait, in any order; for the audit.
    pub fn all(&self) -> &Queue {
        &self.waiting
    }

    /// Draws one of those who wait; a walk along the queue, at most as long as the
    /// table of environments.
    fn draw(&mut self, envs: &EnvTable<'_>) {
        // Multiplier and increment as in Numerical Recipes; the upper bits are the
        // better ones.
        self.chance = self
            .chance
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        let index = (self.chance >> 16).checked_rem(self.waiting.len());
        let mut waiting = self.waiting.iter(envs);
        let drawn = index.and_then(|index| waiting.nth(index as usize));
        self.drawn = drawn.map_or(Link::NONE, Link::to);
    }
}
