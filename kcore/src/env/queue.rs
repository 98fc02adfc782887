//! First-in first-out queues of environments, linked through the table.
//!
//! Every operation takes constant time, removal from the middle included. The
//! hard thing is that an environment has one pair of links, so it can be in one
//! queue at a time; which one is a function of its state, and the audit checks
//! that it is there.

use crate::ids::{Link, Slot};

/// Where the links are: the one pair that each slot has.
pub trait Links {
    /// The next and the previous one of whatever queue `slot` is in.
    fn links(&self, slot: Slot) -> (Link, Link);
    /// Sets the next one.
    fn set_next(&mut self, slot: Slot, next: Link);
    /// Sets the previous one.
    fn set_prev(&mut self, slot: Slot, prev: Link);
}

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
    pub(crate) fn push_back(&mut self, links: &mut impl Links, slot: Slot) {
        links.set_next(slot, Link::NONE);
        links.set_prev(slot, self.tail);
        match self.tail.get() {
            Some(last) => links.set_next(last, Link::to(slot)),
            None => self.head = Link::to(slot),
        }
        self.tail = Link::to(slot);
        self.len = self.len.wrapping_add(1);
    }

    /// Puts `slot`, which is in no queue, at the front.
    pub(crate) fn push_front(&mut self, links: &mut impl Links, slot: Slot) {
        links.set_prev(slot, Link::NONE);
        links.set_next(slot, self.head);
        match self.head.get() {
            Some(first) => links.set_prev(first, Link::to(slot)),
            None => self.tail = Link::to(slot),
        }
        self.head = Link::to(slot);
        self.len = self.len.wrapping_add(1);
    }

    /// Takes the first.
    #[inline(always)]
    pub(crate) fn pop_front(&mut self, links: &mut impl Links) -> Option<Slot> {
        let slot = self.head.get()?;
        let (next, _) = links.links(slot);
        self.head = next;
        match next.get() {
            Some(after) => links.set_prev(after, Link::NONE),
            None => self.tail = Link::NONE,
        }
        links.set_next(slot, Link::NONE);
        self.len = self.len.wrapping_sub(1);
        Some(slot)
    }

    /// Takes `slot`, which is in this queue, out of it.
    pub(crate) fn remove(&mut self, links: &mut impl Links, slot: Slot) {
        let (next, prev) = links.links(slot);
        match prev.get() {
            Some(before) => links.set_next(before, next),
            None => self.head = next,
        }
        match next.get() {
            Some(after) => links.set_prev(after, prev),
            None => self.tail = prev,
        }
        links.set_next(slot, Link::NONE);
        links.set_prev(slot, Link::NONE);
        self.len = self.len.wrapping_sub(1);
    }

    /// Its members in order. For the audit; ends after as many as there are
    /// slots, whatever the links say.
    pub fn iter<'a>(&self, links: &'a impl Links) -> impl Iterator<Item = Slot> + 'a {
        let mut next = self.head;
        let mut left = abi::env::NENV;
        core::iter::from_fn(move || {
            let slot = next.get()?;
            left = left.checked_sub(1)?;
            (next, _) = links.links(slot);
            Some(slot)
        })
    }
}
