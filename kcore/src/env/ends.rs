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
}

impl Queue {
    /// Whether no environment is in it.
    pub fn is_empty(&self) -> bool {
        self.head == Link::NONE
    }

    /// Whether nobody or just one environment is in it.
    pub(crate) fn is_single(&self) -> bool {
        self.head == self.tail
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
        next.get()
    }
}
