//! An example of another policy: each free CPU is raffled among the waiting
//! environments.
//!
//! With the feature `lottery` it replaces `round_robin.rs`, and shows that a policy
//! is no more than one file. The hard thing is chance in a state machine. Each draw
//! follows from the state, so a recorded run replays and equal states behave equally.
//! It is made in advance, because the scheduler looks at the next environment before
//! it takes it.

use crate::env::{EnvTable, Queue};
use crate::ids::{Link, Slot};

/// The environments that wait for a CPU, and the one drawn. All-zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    waiting: Queue,
    drawn: Link,
    /// The random number of the last draw.
    chance: u32,
}

impl Policy {
    /// Adds an environment that wants a CPU.
    pub(crate) fn add(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.waiting.push_back(envs, slot);
        if self.drawn == Link::NONE {
            self.drawn = Link::to(slot);
        }
    }

    /// The environment that gets the next free CPU.
    pub(crate) fn next(&self) -> Option<Slot> {
        self.drawn.get()
    }

    /// Takes out the environment that [`Policy::next`] returns.
    pub(crate) fn take_next(&mut self, envs: &mut EnvTable<'_>) {
        if let Some(slot) = self.drawn.get() {
            self.remove(envs, slot);
        }
    }

    /// As [`Policy::add`] of the one that makes room, then [`Policy::take_next`].
    pub(crate) fn rotate(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.add(envs, slot);
        self.take_next(envs);
    }

    /// Removes an environment, which must be in the policy.
    pub(crate) fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.waiting.remove(envs, slot);
        if self.drawn == Link::to(slot) {
            self.draw(envs);
        }
    }

    /// Whether no environment waits for a CPU.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// All environments that wait, in any order; for the audit.
    pub fn all(&self) -> &Queue {
        &self.waiting
    }

    /// Draws one of the waiting environments. Takes time linear in their number.
    fn draw(&mut self, envs: &EnvTable<'_>) {
        // A linear congruential generator with the constants of Numerical Recipes; its
        // upper bits are the better ones.
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
