//! The scheduling policy: round robin.
//!
//! A policy is one type with these methods; the scheduler calls no others. An
//! environment is in it at most once, and stays until it is taken or removed. The
//! hard thing is that the choice must not change by itself: the scheduler looks at
//! the next environment before it takes it, so `next` must return the same one until
//! something is added, taken or removed.
//!
//! The policy is part of the kernel's state, and is copied and compared with it.

use crate::env::{EnvTable, Queue};
use crate::ids::Slot;

/// The environments that wait for a CPU, in order of arrival. All-zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy(Queue);

impl Policy {
    /// Adds an environment that wants a CPU.
    #[inline(always)]
    pub(crate) fn add(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.0.push_back(envs, slot);
    }

    /// The environment that gets the next free CPU.
    #[inline(always)]
    pub(crate) fn next(&self) -> Option<Slot> {
        self.0.front()
    }

    /// Takes out the environment that [`Policy::next`] returns.
    #[inline(always)]
    pub(crate) fn take_next(&mut self, envs: &mut EnvTable<'_>) {
        self.0.pop_front(envs);
    }

    /// As [`Policy::add`] of the one that makes room, then [`Policy::take_next`].
    #[inline(always)]
    pub(crate) fn rotate(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.0.rotate(envs, slot);
    }

    /// Removes an environment, which must be in the policy.
    pub(crate) fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.0.remove(envs, slot);
    }

    /// Whether no environment waits for a CPU.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All environments that wait, in any order; for the audit.
    pub fn all(&self) -> &Queue {
        &self.0
    }
}
