//! First-in first-out queues of environments, linked through the table.
//!
//! Every operation takes constant time, even removal from the middle. The hard
//! thing is that an environment has only one pair of links, so it can be in only
//! one queue at a time. Its state determines which, and the audit checks that it is
//! there.

use crate::env::{Env, EnvTable, Queue};
use crate::ids::{Link, Slot};

impl Queue {
    /// Puts `slot` at the end; the caller makes sure that it is in no queue.
    #[inline(always)]
    pub(crate) fn push_back(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        envs[slot].next = Link::NONE;
        envs[slot].prev = self.tail;
        if let Some(last) = self.append(slot) {
            envs[last].next = Link::to(slot);
        }
    }

    /// Puts `slot` at the front; the caller makes sure that it is in no queue.
    pub(crate) fn push_front(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        envs[slot].prev = Link::NONE;
        envs[slot].next = self.head;
        match self.head.get() {
            Some(first) => envs[first].prev = Link::to(slot),
            None => self.tail = Link::to(slot),
        }
        self.head = Link::to(slot);
    }

    /// Puts `slot` behind `before`, a member; the caller makes sure that `slot` is in no
    /// queue.
    pub(crate) fn insert_after(&mut self, envs: &mut EnvTable<'_>, before: Slot, slot: Slot) {
        let next = envs[before].next;
        envs[slot].prev = Link::to(before);
        envs[slot].next = next;
        envs[before].next = Link::to(slot);
        match next.get() {
            Some(after) => envs[after].prev = Link::to(slot),
            None => self.tail = Link::to(slot),
        }
    }

    /// Takes the first environment out.
    #[inline(always)]
    pub(crate) fn pop_front(&mut self, envs: &mut EnvTable<'_>) -> Option<Slot> {
        let slot = self.head.get()?;
        self.take(envs, slot);
        Some(slot)
    }

    /// Takes out `first`; the caller makes sure that it is the first.
    #[inline(always)]
    pub(crate) fn take(&mut self, envs: &mut EnvTable<'_>, first: Slot) {
        let next = envs[first].next;
        envs[first].next = Link::NONE;
        if let Some(after) = self.drop_first(next) {
            envs[after].prev = Link::NONE;
        }
    }

    /// Takes the first environment out and puts `slot` at the end. The caller makes sure
    /// that there is a first, and that `slot` is in no queue.
    #[inline(always)]
    pub(crate) fn rotate(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        let Some(first) = self.head.get() else {
            return;
        };
        let link = Link::to(slot);
        let next = envs[first].next;
        envs[first].next = Link::NONE;
        envs[slot].next = Link::NONE;
        let before = match next.get() {
            Some(after) => {
                envs[after].prev = Link::NONE;
                if let Some(last) = self.tail.get() {
                    envs[last].next = link;
                }
                self.head = next;
                self.tail
            }
            None => {
                self.head = link;
                Link::NONE
            }
        };
        envs[slot].prev = before;
        self.tail = link;
    }

    /// Takes out `slot`; the caller makes sure that it is in this queue.
    pub(crate) fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        let Env { next, prev, .. } = envs[slot];
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
    }

    /// Its members in order; for the audit.
    pub fn iter<'a>(&self, envs: &'a EnvTable<'_>) -> impl Iterator<Item = Slot> + 'a {
        envs.chain(self.head, |env| env.next)
    }
}
