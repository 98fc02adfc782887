//! The policy: who of those that wait for a CPU is next. Round robin.
//!
//! A policy is this one type with these methods; the scheduler asks nothing else.
//! Nobody is in it twice, and whoever is in it stays until it is taken or removed.
//! The hard thing is that the answer must hold still: between two changes
//! `next` says the same, as the one who is next is looked at before it is
//! taken.
//!
//! What is in here is part of the kernel's state: it is copied and compared with it.

use crate::env::{EnvTable, Queue};
use crate::ids::Slot;

/// Those who wait, the first one first. All-zero is nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy(Queue);

impl Policy {
    /// `slot` waits for a CPU from now on.
    #[inline(always)]
    pub(crate) fn add(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.0.push_back(envs, slot);
    }

    /// Who is next, if anybody waits.
    #[inline(always)]
    pub(crate) fn next(&self) -> Option<Slot> {
        self.0.front()
    }

    /// The one who is next gets a CPU.
    #[inline(always)]
    pub(crate) fn take_next(&mut self, envs: &mut EnvTable<'_>) {
        self.0.pop_front(envs);
    }

    /// `slot`, which waits, does so no more.
    pub(crate) fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.0.remove(envs, slot);
    }

    /// Whether nobody waits.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All who wait, in any order; for the audit.
    pub fn all(&self) -> &Queue {
        &self.0
    }
}
