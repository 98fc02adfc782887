//! The stacks of threads, and who has them.
//!
//! A thread's closure goes to its stack's top, its result too, so a thread needs no heap. The
//! hard thing is when a stack can be used again: its thread uses it up to its last instruction.
//! So it stays taken until the kernel says that the environment is dead, and until nobody
//! wants the result any more.
//!
//! One that dies in the middle of a scope leaves threads that borrow from its stack, or what
//! it had borrowed itself. So a slot has noted whose scope its thread is of: see [`borrower`].

use core::sync::atomic::{AtomicU32, Ordering};

use abi::{EnvId, EnvStatus, Error};

use crate::env::Env;
use crate::sys;
use crate::together::{self, STACKS};

/// Nobody has the slot.
const FREE: u32 = 0;
/// It is being prepared for a thread. No environment has this id.
const TAKEN: u32 = 1;

/// The thread has a result, and will not touch it again unless it was left.
const DONE: u32 = 1;
/// Nobody wants the result.
const LEFT: u32 = 2;
/// With its thread's death the slot is free.
const DETACHED: u32 = 4;

struct Entry {
    /// The thread's id; or [`FREE`] or [`TAKEN`].
    thread: AtomicU32,
    /// The bits above.
    state: AtomicU32,
    /// Id of the environment in whose scope the thread is; 0 if it is in none.
    lender: AtomicU32,
}

static SLOTS: [Entry; STACKS as usize] = [const {
    Entry {
        thread: AtomicU32::new(FREE),
        state: AtomicU32::new(0),
        lender: AtomicU32::new(0),
    }
}; STACKS as usize];

/// A thread's place.
#[derive(Clone, Copy)]
pub(super) struct Slot(u32);

impl Slot {
    /// A place that nobody has, or only one that is dead and detached.
    pub(super) fn take() -> Option<Slot> {
        let found = (0..STACKS).map(Slot).find(|slot| slot.take_this())?;
        found.entry().state.store(0, Ordering::Relaxed);
        found.entry().lender.store(0, Ordering::Relaxed);
        Some(found)
    }

    fn take_this(self) -> bool {
        let Entry { thread, state, .. } = self.entry();
        let found = thread.load(Ordering::Acquire);
        let detached = || state.load(Ordering::Acquire) & DETACHED != 0;
        let usable = match found {
            FREE => true,
            TAKEN => false,
            id => detached() && is_over(EnvId(id as i32)),
        };
        let exchange =
            || thread.compare_exchange(found, TAKEN, Ordering::Acquire, Ordering::Relaxed);
        usable && exchange().is_ok()
    }

    /// The slot of a bit.
    pub(super) fn of_bit(bit: u32) -> Slot {
        Slot(bit.trailing_zeros() % STACKS)
    }

    pub(super) fn bit(self) -> u32 {
        1 << self.0
    }

    /// One past the stack's last byte.
    pub(super) fn top(self) -> u32 {
        together::top_of_stack(self.0)
    }

    /// The thread that has it.
    pub(super) fn thread(self) -> EnvId {
        EnvId(self.entry().thread.load(Ordering::Acquire) as i32)
    }

    pub(super) fn belongs_to(self, thread: EnvId) {
        self.entry()
            .thread
            .store(thread.0 as u32, Ordering::Release);
    }

    /// The thread, which has not run yet, is in a scope of this one.
    pub(super) fn borrows_from(self, lender: EnvId) {
        self.entry()
            .lender
            .store(lender.0 as u32, Ordering::Release);
    }

    /// The thread has its result. Whether nobody wants it.
    pub(super) fn done(self) -> bool {
        self.entry().state.fetch_or(DONE, Ordering::AcqRel) & LEFT != 0
    }

    /// Nobody wants the result. Whether the thread has it, and leaves it to the caller.
    pub(super) fn leave(self) -> bool {
        self.entry().state.fetch_or(LEFT, Ordering::AcqRel) & DONE != 0
    }

    /// Whether the thread got to its end.
    pub(super) fn is_done(self) -> bool {
        self.entry().state.load(Ordering::Acquire) & DONE != 0
    }

    /// The caller is the last one to know of the thread, which may still run.
    pub(super) fn detach(self) {
        self.entry().state.fetch_or(DETACHED, Ordering::Release);
    }

    /// Its thread is dead, or never was, and nobody looks at it any more.
    pub(super) fn give_back(self) {
        self.entry().thread.store(FREE, Ordering::Release);
    }

    fn entry(self) -> &'static Entry {
        &SLOTS[self.0 as usize]
    }
}

/// A word that never changes.
static NEVER: AtomicU32 = AtomicU32::new(0);

/// Waits until `thread` is dead, and on no CPU any more.
pub(super) fn wait_for_death(thread: EnvId) {
    // A deadline, or somebody who sets our status, only ends one of these waits.
    while sys::futex_wait(&NEVER, 0, thread) != Err(Error::BadEnv) {}
}

/// As [`wait_for_death`], and until all are dead who borrow from it.
pub(super) fn wait_for_all(thread: EnvId) {
    wait_for_death(thread);
    while let Some(borrower) = borrower(thread) {
        wait_for_death(borrower);
    }
}

/// Whether `thread` is dead, and all who borrow from it.
pub(super) fn is_over(thread: EnvId) -> bool {
    is_dead(thread) && borrower(thread).is_none()
}

/// One that is alive, of those in a scope of `lender`, and in scopes of theirs.
fn borrower(lender: EnvId) -> Option<EnvId> {
    let is_lender = |entry: &&Entry| entry.lender.load(Ordering::Acquire) == lender.0 as u32;
    let threads = SLOTS.iter().filter(is_lender);
    threads
        .map(|entry| entry.thread.load(Ordering::Acquire))
        .filter(|&thread| thread != FREE && thread != TAKEN)
        .map(|thread| EnvId(thread as i32))
        .find_map(|thread| match is_dead(thread) {
            true => borrower(thread),
            false => Some(thread),
        })
}

/// Whether `thread` is dead, and on no CPU any more.
pub(super) fn is_dead(thread: EnvId) -> bool {
    let env = Env::of(thread);
    let gone = env.id() != thread || env.status() == Some(EnvStatus::Free);
    if gone {
        // The table says so a moment before its CPU has stopped.
        wait_for_death(thread);
    }
    gone
}
