//! The environment table: slots, ids and lookup.
//!
//! Slots are reused last in, first out, and ids are made exactly as in JOS, because
//! graders and programs (`forktree`, `primes`) expect certain ids. The hard thing is
//! the free list. JOS first hands out its slots in ascending order, and a table of
//! zeroes must mean just that, without a pass over 1024 slots to link them. So slots
//! that were never used are counted, not listed.

use crate::env::{Env, Queue};
use crate::ids::{Link, Slot};
use abi::EnvId;
use abi::env::NENV;

/// All environments.
pub struct EnvTable<'t> {
    slots: &'t mut [Env; NENV],
    /// Where free slots are found.
    pub state: TableState,
}

/// The part of [`EnvTable`] that is not a table; cheap to copy into a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TableState {
    /// The first of the slots that were used and freed.
    pub free: Link,
    /// The number of these.
    pub freed: u16,
    /// Slots below this one have been used.
    pub used: u16,
}

impl<'t> EnvTable<'t> {
    /// Makes a table of `slots`, which must be all zero.
    pub fn new(slots: &'t mut [Env; NENV]) -> EnvTable<'t> {
        EnvTable {
            slots,
            state: TableState::default(),
        }
    }

    /// The slot that [`EnvTable::take`] will take; `None` if none is free.
    pub(crate) fn vacant(&self) -> Option<Slot> {
        match self.state.free.get() {
            Some(slot) => Some(slot),
            None => ((self.state.used as usize) < NENV).then_some(Slot(self.state.used)),
        }
    }

    /// Takes a free slot for an environment like `pattern`, and gives it the slot's
    /// next id.
    pub(crate) fn take(&mut self, pattern: &Env) -> Option<Slot> {
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
            ..*pattern
        };
        Some(slot)
    }

    /// Frees a slot. It keeps its id and birth, from which the next ones are made.
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

    /// All slots, for snapshots to copy from and to.
    pub(crate) fn slots_mut(&mut self) -> &mut [Env; NENV] {
        self.slots
    }

    /// The number of free slots.
    pub fn free_slots(&self) -> usize {
        NENV - self.state.used as usize + self.state.freed as usize
    }

    /// All slots that have ever been used, ascending.
    pub fn used(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.state.used).map(Slot)
    }

    /// Two different environments at once; `None` if both are the same.
    #[inline(always)]
    pub(crate) fn pair(&mut self, one: Slot, other: Slot) -> Option<[&mut Env; 2]> {
        let indices = [one, other].map(|slot| slot.0 as usize % NENV);
        self.slots.get_disjoint_mut(indices).ok()
    }

    /// Changes the queue of those who wait to send to `slot`. It is taken out meanwhile,
    /// because its links are in this table too.
    #[inline(always)]
    pub(crate) fn with_senders<R>(
        &mut self,
        slot: Slot,
        change: impl FnOnce(&mut Queue, &mut Self) -> R,
    ) -> R {
        let mut senders = self[slot].senders;
        let result = change(&mut senders, self);
        self[slot].senders = senders;
        result
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

    /// Free slots that were used before, in the order of reuse; for audit and tests.
    pub fn free_list(&self) -> impl Iterator<Item = Slot> + '_ {
        self.chain(self.state.free, |env| env.next)
    }

    /// The slots from `next` on, in the order of these links. The walk ends even if they
    /// form a circle.
    pub(crate) fn chain(
        &self,
        mut next: Link,
        link: fn(&Env) -> Link,
    ) -> impl Iterator<Item = Slot> + '_ {
        core::iter::from_fn(move || {
            let slot = next.get()?;
            next = link(&self[slot]);
            Some(slot)
        })
        .take(NENV)
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
