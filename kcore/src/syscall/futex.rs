//! Waiting until somebody says that a word of memory has changed.
//!
//! Locks, condition variables and channels live in memory that environments share, and
//! need the kernel only when there is somebody to wait for. The hard thing is the moment
//! between looking at the word and waiting for it. Whoever changes the word changes it
//! first and calls `futex_wake` then; so `futex_wait` looks once more, under the lock. Either
//! it sees the change, or the caller is in the queue when the wake comes.
//!
//! Words are compared by physical address, so environments that have a page in different
//! places meet. A page may be taken away from one that waits, and its frame become somebody
//! else's. So before it is woken, a waiter must still have the page where it had it:
//! nobody wakes, or learns of, those that wait for words of other pages.
//!
//! Whoever waits for a lock has named its holder, and while it waits the lock passes on. So
//! a wake can hand over the others to the one that is woken: if that one dies, with the lock
//! or before it has run, they are told.

use super::{CallResult, Caller, Outcome};
use crate::env::Wait;
use crate::ids::{Link, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::usermem;
use crate::watch::Watcher;
use abi::layout::{PGSIZE, UTOP};
use abi::{Error, Perm, TrapFrame};

/// One call wakes no more than this.
const MOST_WOKEN: u32 = 64;

/// The result of a wait for a word that has another value already.
const CHANGED: u32 = 1;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    #[cold]
    #[inline(never)]
    pub(super) fn sys_futex_wait(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [va, expected, owner, ..] = frame.arguments();
        let address = self.word_address(caller.slot, va).ok_or(Error::Inval)?;
        let space = self.envs[caller.slot].space;
        if usermem::read_word(&mut self.mem, space, va) != Ok(expected) {
            return Ok(Outcome::Done(CHANGED));
        }
        let owner = match owner {
            0 => Link::NONE,
            id => Link::to(self.any_env(caller, id)?),
        };
        self.keep_deadline(caller)?;
        if let Some(owner) = owner.get() {
            self.one_more_depends_on(owner);
        }
        let env = &mut self.envs[caller.slot];
        env.wait = Wait::Word(owner);
        env.letter.va = va;
        env.second = address;
        let queue = self.sched.words.queue_mut(address);
        queue.push_back(&mut self.envs, caller.slot);
        Ok(Outcome::Stop)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn sys_futex_wake(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [va, count, hand_over, ..] = frame.arguments();
        let address = self.word_address(caller.slot, va).ok_or(Error::Inval)?;
        let most = count.min(MOST_WOKEN);
        let (mut woken, mut last) = (0, None);
        let mut next = self.sched.words.queue(address).front();
        while woken < most
            && let Some(slot) = next
        {
            next = self.envs[slot].next.get();
            if self.waits_for_word(slot, address) {
                self.leave_word(slot);
                self.end_wait(slot, 0);
                woken += 1;
                last = Some(slot);
            }
        }
        if let Some(heir) = last
            && hand_over != 0
        {
            self.hand_over_word(address, next, heir);
        }
        Ok(Outcome::Done(woken))
    }

    /// Makes `heir` the owner of those that have one and wait for the word at physical
    /// address `address`: `first` and who is behind it in the queue.
    fn hand_over_word(&mut self, address: u32, first: Option<Slot>, heir: Slot) {
        let mut next = first;
        while let Some(slot) = next {
            next = self.envs[slot].next.get();
            if let Wait::Word(owner) = self.envs[slot].wait
                && let Some(owner) = owner.get()
                && self.waits_for_word(slot, address)
            {
                self.one_less_depends_on(owner);
                self.envs[slot].wait = Wait::Word(Link::to(heir));
                self.one_more_depends_on(heir);
            }
        }
    }

    /// Takes out of its queue one that waits for a word.
    #[cold]
    #[inline(never)]
    pub(crate) fn leave_word(&mut self, slot: Slot) {
        let env = &self.envs[slot];
        let Wait::Word(owner) = env.wait else {
            return;
        };
        let queue = self.sched.words.queue_mut(env.second);
        queue.remove(&mut self.envs, slot);
        if let Some(owner) = owner.get() {
            self.one_less_depends_on(owner);
        }
    }

    /// Whether `slot`, which is in the queue, waits for the word at physical address
    /// `address`, and still has its page.
    fn waits_for_word(&self, slot: Slot, address: u32) -> bool {
        let env = &self.envs[slot];
        env.second == address && self.word_address(slot, env.letter.va) == Some(address)
    }

    /// The physical address of the aligned word at `va`, if it is in a page that `slot`
    /// has and may read.
    fn word_address(&self, slot: Slot, va: u32) -> Option<u32> {
        if va >= UTOP || !va.is_multiple_of(4) {
            return None;
        }
        let space = self.envs[slot].space;
        let entry = space.translate(&self.mem, va, Perm::READ)?;
        Some(entry.frame().address() + va % PGSIZE)
    }
}
