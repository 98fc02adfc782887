//! The environment table: slots, ids and lookup.
//!
//! Slots are reused last in, first out, and ids are made exactly as JOS makes
//! them, since people's graders and programs (`forktree`, `primes`) name ids.
//! The hard thing is the free list: JOS hands slots out in ascending order at
//! first, and a table of zeroes must mean just that without an initial pass
//! over 1024 slots; so slots never used are counted, not listed.

use crate::env::Env;
use crate::env::queue::Links;
use crate::ids::{Link, Slot};
use abi::EnvId;
use abi::env::NENV;

/// All environments.
pub struct EnvTable<'t> {
    slots: &'t mut [Env; NENV],
    /// Everything but the slots.
    pub state: TableState,
}

/// The part of [`EnvTable`] that is not a table; cheap to copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TableState {
    /// Slots that were used and freed.
    pub free: Link,
    /// How many those are.
    pub freed: u16,
    /// Slots below this have been used.
    pub used: u16,
}

impl<'t> EnvTable<'t> {
    /// A table whose entries are all zero.
    pub fn new(slots: &'t mut [Env; NENV]) -> EnvTable<'t> {
        EnvTable {
            slots,
            state: TableState::default(),
        }
    }

    /// The slot that [`EnvTable::take`] will give.
    pub(crate) fn vacant(&self) -> Option<Slot> {
        match self.state.free.get() {
            Some(slot) => Some(slot),
            None => ((self.state.used as usize) < NENV).then_some(Slot(self.state.used)),
        }
    }

    /// Takes a free slot and gives it its next id; all else in it is as in a
    /// slot never used.
    pub(crate) fn take(&mut self) -> Option<Slot> {
        let slot = self.vacant()?;
        if self.state.free.get() == Some(slot) {
            self.state.free = self[slot].next;
            self.state.freed = self.state.freed.wrapping_sub(1);
        } else {
            self.state.used = self.state.used.wrapping_add(1);
        }
        let Env { id, birth, .. } = self[slot];
        self[slot] = Env {
            id: id.next(slot.0 as usize),
            birth: birth.next(slot.0 as usize),
            alive: true,
            ..Env::default()
        };
        Some(slot)
    }

    /// Gives a slot back. Only whose it was stays.
    pub(crate) fn give_back(&mut self, slot: Slot) {
        let Env { id, birth, .. } = self[slot];
        self[slot] = Env {
            id,
            birth,
            next: self.state.free,
            ..Env::default()
        };
        self.state.free = Link::to(slot);
        self.state.freed = self.state.freed.wrapping_add(1);
    }

    /// All slots, to copy from and to.
    pub(crate) fn slots_mut(&mut self) -> &mut [Env; NENV] {
        self.slots
    }

    /// How many slots are free.
    pub fn free_slots(&self) -> usize {
        NENV - self.state.used as usize + self.state.freed as usize
    }

    /// Slots that have ever been used, ascending.
    pub fn used(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.state.used).map(Slot)
    }

    /// The live environment with this id.
    pub fn find(&self, id: EnvId) -> Option<Slot> {
        let slot = Slot(id.slot() as u16);
        let env = &self[slot];
        (env.alive && env.id == id).then_some(slot)
    }

    /// The creator of the environment in `slot`, if it is still alive.
    pub fn parent_of(&self, slot: Slot) -> Option<Slot> {
        let env = &self[slot];
        let parent = self.find(env.parent)?;
        (self[parent].birth == env.parent_birth).then_some(parent)
    }

    /// Free slots that were used before, in the order of reuse; for the audit
    /// and other tests.
    pub fn free_list(&self) -> impl Iterator<Item = Slot> + '_ {
        let mut next = self.state.free;
        let mut left = NENV;
        core::iter::from_fn(move || {
            let slot = next.get()?;
            left = left.checked_sub(1)?;
            next = self[slot].next;
            Some(slot)
        })
    }
}

impl core::ops::Index<Slot> for EnvTable<'_> {
    type Output = Env;
    fn index(&self, slot: Slot) -> &Env {
        &self.slots[slot.0 as usize % NENV]
    }
}

impl core::ops::IndexMut<Slot> for EnvTable<'_> {
    fn index_mut(&mut self, slot: Slot) -> &mut Env {
        &mut self.slots[slot.0 as usize % NENV]
    }
}

impl Links for EnvTable<'_> {
    #[inline(always)]
    fn links(&self, slot: Slot) -> (Link, Link) {
        (self[slot].next, self[slot].prev)
    }

    #[inline(always)]
    fn set_next(&mut self, slot: Slot, next: Link) {
        self[slot].next = next;
    }

    #[inline(always)]
    fn set_prev(&mut self, slot: Slot, prev: Link) {
        self[slot].prev = prev;
    }
}
