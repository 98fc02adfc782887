//! Fixed priorities: the highest goes first, and among equals round robin.
//!
//! Whoever can run and outranks an environment on a CPU gets that CPU at once
//! (`preempt.rs`). One who is outranked comes back before its equals; one whose quantum
//! has ended, or who yields, behind them.
//!
//! The hard thing is to do all this in constant time. There is one queue, sorted by
//! priority; for each priority a link names its last member, behind which the next one
//! goes, and a bit says whether it has any. So finding a place is a search for a bit, and
//! the next one is the first.

use super::run_queue::RunQueue;
use crate::env::{EnvTable, Queue};
use crate::ids::{Link, Slot};
use abi::scheduling::PRIORITIES;

/// The environments that wait for a CPU. All-zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Priority {
    /// All of them, the highest priority first.
    waiting: Queue,
    /// The last one of each priority.
    last: [Link; PRIORITIES as usize],
    /// The priorities that have a last one, as bits.
    occupied: u32,
}

impl Priority {
    /// The last one of the lowest of these priorities, given as bits, that has one.
    fn lowest(&self, priorities: u32) -> Option<Slot> {
        let index = (self.occupied & priorities).trailing_zeros();
        self.last.get(index as usize)?.get()
    }

    /// Puts `slot` behind the last one of all whose priority is among `before`.
    fn insert(&mut self, envs: &mut EnvTable<'_>, slot: Slot, before: u32) {
        match self.lowest(before) {
            Some(last) => self.waiting.insert_after(envs, last, slot),
            None => self.waiting.push_front(envs, slot),
        }
    }

    /// Names the last one of a priority; perhaps there is none.
    fn set_last(&mut self, priority: u8, link: Link) {
        let index = priority % PRIORITIES;
        self.last[usize::from(index)] = link;
        self.occupied &= !(1 << index);
        self.occupied |= u32::from(link != Link::NONE) << index;
    }

    fn last(&self, priority: u8) -> Link {
        self.last[usize::from(priority % PRIORITIES)]
    }
}

/// The priorities from this one up, as bits.
fn from(priority: u8) -> u32 {
    u32::MAX << (priority % PRIORITIES)
}

/// The priorities above this one, as bits.
fn above(priority: u8) -> u32 {
    from(priority) << 1
}

impl RunQueue for Priority {
    fn add(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        let priority = envs[slot].priority;
        self.insert(envs, slot, from(priority));
        self.set_last(priority, Link::to(slot));
    }

    fn add_outranked(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        let priority = envs[slot].priority;
        self.insert(envs, slot, above(priority));
        if self.last(priority) == Link::NONE {
            self.set_last(priority, Link::to(slot));
        }
    }

    fn next(&self) -> Option<Slot> {
        self.waiting.front()
    }

    fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        let priority = envs[slot].priority;
        if self.last(priority) == Link::to(slot) {
            let before = envs[slot].prev;
            let equal = before
                .get()
                .filter(|&before| envs[before].priority == priority);
            self.set_last(priority, equal.map_or(Link::NONE, Link::to));
        }
        self.waiting.remove(envs, slot);
    }

    fn all(&self) -> &Queue {
        &self.waiting
    }

    /// Whether the queue is sorted, and each priority's last one is named.
    fn is_consistent(&self, envs: &EnvTable<'_>) -> bool {
        let mut right = Priority {
            waiting: self.waiting,
            ..Priority::default()
        };
        let mut least = PRIORITIES;
        for slot in self.waiting.iter(envs) {
            let priority = envs[slot].priority;
            if priority > least {
                return false;
            }
            least = priority;
            right.set_last(priority, Link::to(slot));
        }
        right == *self
    }

    fn outranks(&self, envs: &EnvTable<'_>, slot: Slot) -> bool {
        self.occupied & above(envs[slot].priority) != 0
    }
}
