//! The environments that wait for a CPU, in the order of the policy that was chosen at
//! boot.
//!
//! The hard thing is to have a choice for nothing. Round robin is what nearly everybody
//! boots, and a switch takes two hundred instructions. So its queue is a field of its own,
//! which the short ways use directly: under another policy nobody goes them. Everywhere
//! else each question begins with one comparison, and all that belongs to other policies
//! is out of line behind it.

use super::lottery::Lottery;
use super::priority::Priority;
use super::round_robin::RoundRobin;
use super::run_queue::RunQueue;
use super::stride::Stride;
use crate::env::{EnvTable, Queue};
use crate::ids::Slot;
use abi::scheduling::Policy;
use core::hash::{Hash, Hasher};

/// The environments that wait for a CPU. The policies that are not in force hold nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    policy: Policy,
    pub(crate) round_robin: RoundRobin,
    pub(super) priority: Priority,
    pub(super) stride: Stride,
    pub(super) lottery: Lottery,
}

impl Ready {
    /// Nobody waits. A quantum is so many ticks long.
    pub(super) fn new(policy: Policy, quantum: u64) -> Ready {
        Ready {
            policy,
            stride: Stride::new(quantum),
            ..Ready::default()
        }
    }

    #[inline(always)]
    pub(crate) fn is_round_robin(&self) -> bool {
        self.policy == Policy::RoundRobin
    }

    /// The policy in force. Out of line, because nobody asks for it where round robin is
    /// usual.
    #[cold]
    #[inline(never)]
    fn chosen(&self) -> &dyn RunQueue {
        match self.policy {
            Policy::RoundRobin => &self.round_robin,
            Policy::Priority => &self.priority,
            Policy::Stride => &self.stride,
            Policy::Lottery => &self.lottery,
        }
    }

    /// The policy in force, to change.
    #[cold]
    #[inline(never)]
    pub(super) fn chosen_mut(&mut self) -> &mut dyn RunQueue {
        match self.policy {
            Policy::RoundRobin => &mut self.round_robin,
            Policy::Priority => &mut self.priority,
            Policy::Stride => &mut self.stride,
            Policy::Lottery => &mut self.lottery,
        }
    }

    /// The environment that gets the next free CPU.
    #[inline(always)]
    pub fn next(&self) -> Option<Slot> {
        if self.is_round_robin() {
            self.round_robin.next()
        } else {
            self.chosen().next()
        }
    }

    /// See [`RunQueue::take_next`].
    #[inline(always)]
    pub(crate) fn take_next(&mut self, envs: &mut EnvTable<'_>) {
        if self.is_round_robin() {
            self.round_robin.take_next(envs);
        } else {
            self.chosen_mut().take_next(envs);
        }
    }

    /// See [`RunQueue::remove`].
    pub(crate) fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.chosen_mut().remove(envs, slot);
    }

    /// Whether nobody waits.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.next().is_none()
    }

    /// See [`RunQueue::outranks`].
    #[inline(always)]
    pub(crate) fn outranks(&self, envs: &EnvTable<'_>, slot: Slot) -> bool {
        !self.is_round_robin() && self.chosen().outranks(envs, slot)
    }

    /// All environments that wait, in any order; for the audit.
    pub fn all(&self) -> &Queue {
        self.chosen().all()
    }

    /// Whether the policy in force has worked out in advance what it would work out now; for
    /// the audit.
    pub fn is_consistent(&self, envs: &EnvTable<'_>) -> bool {
        self.chosen().is_consistent(envs)
    }
}

/// Only what is in force: the rest never changes, and digests are taken often.
impl Hash for Ready {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.policy {
            Policy::RoundRobin => self.round_robin.hash(state),
            Policy::Priority => self.priority.hash(state),
            Policy::Stride => self.stride.hash(state),
            Policy::Lottery => self.lottery.hash(state),
        }
    }
}
