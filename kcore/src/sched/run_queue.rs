//! What the scheduler asks of a policy.
//!
//! A policy holds the environments that wait for a CPU, and says which of them is next.
//! Each is in it at most once, and stays until it is taken or removed. The hard thing is
//! that the choice must not change by itself: the scheduler looks at the next environment
//! before it takes it, so `next` must return the same one until something is added, taken
//! or removed.
//!
//! A policy is part of the kernel's state, and is copied and compared with it. So nothing
//! in it may be random, and all-zero is one that holds nobody.

use crate::env::{EnvTable, Queue};
use crate::ids::{CpuId, Slot};

/// A scheduling policy. The methods with a body are for policies that must know more than
/// who waits.
pub(crate) trait RunQueue {
    /// Adds an environment that wants a CPU and waited for something else before.
    fn add(&mut self, envs: &mut EnvTable<'_>, slot: Slot);

    /// The environment that gets the next free CPU.
    fn next(&self) -> Option<Slot>;

    /// Takes out the environment that [`RunQueue::next`] returns.
    fn take_next(&mut self, envs: &mut EnvTable<'_>) {
        if let Some(slot) = self.next() {
            self.remove(envs, slot);
        }
    }

    /// Removes an environment, which must be in the policy.
    fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot);

    /// All environments that wait, in any order; for the audit.
    fn all(&self) -> &Queue;

    /// Whether what is worked out in advance is what would be worked out now; for the audit.
    /// Linear.
    fn is_consistent(&self, _envs: &EnvTable<'_>) -> bool {
        true
    }

    /// As [`RunQueue::add`], for one that gives its CPU up and wants the next one.
    fn add_again(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.add(envs, slot);
    }

    /// As [`RunQueue::add_again`], for one that lost its CPU to one that
    /// [`RunQueue::outranks`] it.
    fn add_outranked(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.add_again(envs, slot);
    }

    /// Whether the next one should have the CPU of `slot` at once.
    fn outranks(&self, _envs: &EnvTable<'_>, _slot: Slot) -> bool {
        false
    }

    /// Whether an environment that waited for something else may get a CPU that is handed
    /// to it, without having been added.
    fn may_skip_queue(&mut self, _envs: &mut EnvTable<'_>, _slot: Slot) -> bool {
        true
    }

    /// The time of an environment on `cpu` begins.
    fn comes(&mut self, _cpu: CpuId, _now: u64) {}

    /// The environment on `cpu` has used it until `now`.
    fn charge(&mut self, _envs: &mut EnvTable<'_>, _cpu: CpuId, _slot: Slot, _now: u64) {}

    /// The environment in `slot`, which was just charged, keeps its CPU because nobody
    /// waits.
    fn stays(&mut self, _envs: &EnvTable<'_>, _slot: Slot) {}
}
