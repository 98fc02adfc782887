//! First-in first-out queues of environments, linked through the table.
//!
//! Every operation takes constant time, removal from the middle included. The
//! hard thing is that an environment has one pair of links, so it can be in one
//! queue at a time; which one is a function of its state, and the audit checks
//! that it is there.

use crate::env::{EnvTable, Link, Slot};

/// A queue. All-zero is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Queue {
    head: Link,
    tail: Link,
    len: u32,
}

impl Queue {
    /// How many are in it.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.head == Link::NONE
    }

    /// The first.
    pub(crate) fn front(&self) -> Option<Slot> {
        self.head.get()
    }

    /// Puts `slot`, which is in no queue, at the end.
    #[inline(always)]
    pub(crate) fn push_back(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        envs[slot].next = Link::NONE;
        envs[slot].prev = self.tail;
        match self.tail.get() {
            Some(last) => envs[last].next = Link::to(slot),
            None => self.head = Link::to(slot),
        }
        self.tail = Link::to(slot);
        self.len = self.len.wrapping_add(1);
    }

    /// Puts `slot`, which is in no queue, at the front.
    pub(crate) fn push_front(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        envs[slot].prev = Link::NONE;
        envs[slot].next = self.head;
        match self.head.get() {
            Some(first) => envs[first].prev = Link::to(slot),
            None => self.tail = Link::to(slot),
        }
        self.head = Link::to(slot);
        self.len = self.len.wrapping_add(1);
    }

    /// Takes the first.
    #[inline(always)]
    pub(crate) fn pop_front(&mut self, envs: &mut EnvTable<'_>) -> Option<Slot> {
        let slot = self.head.get()?;
        let next = envs[slot].next;
        self.head = next;
        match next.get() {
            Some(after) => envs[after].prev = Link::NONE,
            None => self.tail = Link::NONE,
        }
        envs[slot].next = Link::NONE;
        self.len = self.len.wrapping_sub(1);
        Some(slot)
    }

    /// Takes `slot`, which is in this queue, out of it.
    pub(crate) fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        let (prev, next) = (envs[slot].prev, envs[slot].next);
        match prev.get() {
            Some(before) => envs[before].next = next,
            None => self.head = next,
        }
        match next.get() {
            Some(after) => envs[after].prev = prev,
            None => self.tail = prev,
        }
        envs[slot].next = Link::NONE;
        envs[slot].prev = Link::NONE;
        self.len = self.len.wrapping_sub(1);
    }

    /// Its members in order. For the audit; ends after as many as there are
    /// slots, whatever the links say.
    pub fn iter<'a>(&self, envs: &'a EnvTable<'_>) -> impl Iterator<Item = Slot> + 'a {
        let mut next = self.head;
        let mut left = abi::env::NENV;
        core::iter::from_fn(move || {
            let slot = next.get()?;
            left = left.checked_sub(1)?;
            next = envs[slot].next;
            Some(slot)
        })
    }
}
