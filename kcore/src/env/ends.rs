//! Both ends of a queue of environments.
//!
//! An environment holds a queue (its senders), and a queue links environments. The
//! hard thing is that neither can be defined first; so the ends, which are plain data,
//! stand here, below both, and what needs the table is in [`super::queue`].

use crate::ids::{Link, Slot};

/// A queue. All-zero is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Queue {
    pub(super) head: Link,
    pub(super) tail: Link,
    pub(super) len: u32,
}

impl Queue {
    /// The number of environments in it.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether no environment is in it.
    pub fn is_empty(&self) -> bool {
        self.head == Link::NONE
    }

    /// The environment that will be taken next.
    pub(crate) fn front(&self) -> Option<Slot> {
        self.head.get()
    }

    /// The link to the last one.
    #[inline(always)]
    pub(crate) fn back(&self) -> Link {
        self.tail
    }

    /// Notes that `slot` is the last one now. Returns the one before, whose link the
    /// caller sets.
    #[inline(always)]
    pub(crate) fn append(&mut self, slot: Slot) -> Option<Slot> {
        let before = self.tail.get();
        self.tail = Link::to(slot);
        if before.is_none() {
            self.head = self.tail;
        }
        self.len = self.len.wrapping_add(1);
        before
    }

    /// Notes that the first one has left and `next`, its link, is the first now. Returns
    /// that one, whose link the caller clears.
    #[inline(always)]
    pub(crate) fn drop_first(&mut self, next: Link) -> Option<Slot> {
        self.head = next;
        if next == Link::NONE {
            self.tail = Link::NONE;
        }
        self.len = self.len.wrapping_sub(1);
        next.get()
    }
}
