//! Round robin, the policy unless another one is chosen at boot.
//!
//! The hard thing is that there is nothing to it: the short ways through the kernel call
//! these methods directly ([`super::ready`]), and each is a few instructions.

use super::run_queue::RunQueue;
use crate::env::{EnvTable, Queue};
use crate::ids::Slot;

/// The environments that wait for a CPU, in order of arrival. All-zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RoundRobin(Queue);

impl RunQueue for RoundRobin {
    #[inline(always)]
    fn add(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.0.push_back(envs, slot);
    }

    #[inline(always)]
    fn next(&self) -> Option<Slot> {
        self.0.front()
    }

    #[inline(always)]
    fn take_next(&mut self, envs: &mut EnvTable<'_>) {
        self.0.pop_front(envs);
    }

    fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.0.remove(envs, slot);
    }

    fn all(&self) -> &Queue {
        &self.0
    }
}

impl RoundRobin {
    /// As [`RunQueue::add`] of the one that makes room, then [`RunQueue::take_next`].
    #[inline(always)]
    pub(crate) fn rotate(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.0.rotate(envs, slot);
    }

    /// As [`RunQueue::take_next`], for a caller that has just asked who is next.
    #[inline(always)]
    pub(crate) fn take(&mut self, envs: &mut EnvTable<'_>, next: Slot) {
        self.0.take(envs, next);
    }

    /// Whether no environment waits for a CPU.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
