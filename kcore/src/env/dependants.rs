//! Telling those who wait for an environment that it is dead.
//!
//! A thousand may wait to send to one environment, or for its reply, its message, or a
//! word that it owns, and all these waits end with an error when it dies. The hard thing
//! is that one step must not end them all: it would hold the lock for too long. So a step
//! ends some, and while more are left the slot is not free: nobody else may come
//! to it whom the others would then wait for.

use crate::env::{Env, Wait};
use crate::ids::{Link, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::Error;

/// One step ends no more of these waits than this.
const MOST_TOLD: u32 = 128;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Counts a wait that ends when `slot` dies.
    #[inline(always)]
    pub(crate) fn one_more_depends_on(&mut self, slot: Slot) {
        let callers = &mut self.envs[slot].callers;
        *callers = callers.wrapping_add(1);
    }

    /// Such a wait has ended, or depends on another one now.
    #[inline(always)]
    pub(crate) fn one_less_depends_on(&mut self, slot: Slot) {
        let callers = &mut self.envs[slot].callers;
        *callers = callers.wrapping_sub(1);
    }

    /// Frees the slot of a dead environment; if others still wait for it, when they have
    /// been told.
    pub(super) fn free_slot(&mut self, slot: Slot) {
        if self.tell_dependants(slot) {
            self.envs.give_back(slot);
            return;
        }
        let Env {
            id,
            birth,
            senders,
            callers,
            ..
        } = self.envs[slot];
        self.envs[slot] = Env {
            id,
            birth,
            senders,
            callers,
            next: self.sched.mourned,
            ..Env::default()
        };
        self.sched.mourned = Link::to(slot);
    }

    /// Tells more of those who wait for one of the dead. Only one: to find them may be a look
    /// at every slot.
    pub(crate) fn tell_mourners(&mut self) {
        if let Some(slot) = self.sched.mourned.get()
            && self.tell_dependants(slot)
        {
            self.sched.mourned = self.envs[slot].next;
            self.envs.give_back(slot);
        }
    }

    /// The dead for whom others still wait; for the audit.
    pub fn mourned(&self) -> impl Iterator<Item = Slot> + '_ {
        self.envs.chain(self.sched.mourned, |env| env.next)
    }

    /// Ends waits for `slot`. Returns whether none is left.
    fn tell_dependants(&mut self, slot: Slot) -> bool {
        let env = &self.envs[slot];
        if env.senders.is_empty() && env.callers == 0 {
            return true;
        }
        self.tell_waiting(slot)
    }

    #[cold]
    #[inline(never)]
    fn tell_waiting(&mut self, slot: Slot) -> bool {
        while self.notices < MOST_TOLD {
            let Some(sender) = self.next_sender(slot) else {
                break;
            };
            self.notices += 1;
            self.fail_wait(sender, Error::BadEnv);
        }
        if !self.envs[slot].senders.is_empty() {
            return false;
        }
        for waiter in self.envs.used() {
            if self.envs[slot].callers == 0 || self.notices >= MOST_TOLD {
                break;
            }
            let depends = match self.envs[waiter].wait {
                Wait::Reply(on) | Wait::MessageOf(on) => on == slot,
                Wait::Word(owner) => owner == Link::to(slot),
                _ => false,
            };
            if depends {
                self.notices += 1;
                self.give_up_wait(waiter);
                self.fail_wait(waiter, Error::BadEnv);
            }
        }
        self.envs[slot].callers == 0
    }
}
