//! Threads that borrow.
//!
//! The hard thing is that every way out of [`scope`] waits for all of them, those included that
//! they start themselves. There are two: it returns, or its own thread dies. In the
//! second case the memory stays with those that borrow it; and whoever would use it
//! again, because it joins the dead one or needs a stack, waits for them.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, Ordering};

use abi::{EnvId, Error};

use super::slot::{self, Slot};
use super::start::{Started, start_thread};
use crate::sync::Died;
use crate::{env, together};

/// Where threads can be started that borrow from outside.
pub struct Scope<'scope, 'env: 'scope> {
    /// Slots of threads that were not joined, as bits.
    threads: AtomicU32,
    /// Whose stack this is on.
    owner: EnvId,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// Calls `body`, in which threads can be started that borrow what lives longer than this call,
/// and waits until all of them have ended.
///
/// # Panics
/// If one of them died that nobody joined.
pub fn scope<'env, F, R>(body: F) -> R
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
{
    let scope = Scope {
        threads: AtomicU32::new(0),
        owner: env::this_id(),
        scope: PhantomData,
        env: PhantomData,
    };
    let result = body(&scope);
    if !scope.end() {
        panic!("a thread in a scope died");
    }
    result
}

impl<'scope> Scope<'scope, '_> {
    /// Starts a thread.
    ///
    /// # Errors
    /// As [`spawn`](super::spawn); `Inval` in a handler of exceptions, whose stack others
    /// do not see.
    pub fn spawn<F, T>(&'scope self, closure: F) -> Result<ScopedJoinHandle<'scope, T>, Error>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        if together::is_apart(core::ptr::from_ref(self).addr() as u32) {
            return Err(Error::Inval);
        }
        // Before it runs: if we die then, it is still waited for.
        let note = |slot: Slot, runs| {
            slot.borrows_from(self.owner);
            match runs {
                true => self.threads.fetch_or(slot.bit(), Ordering::AcqRel),
                false => self.threads.fetch_and(!slot.bit(), Ordering::AcqRel),
            };
        };
        // SAFETY: it is in `threads`, so `scope` does not return while it lives.
        let started = unsafe { start_thread(closure, note)? };
        Ok(ScopedJoinHandle {
            started,
            threads: &self.threads,
            result: PhantomData,
        })
    }

    /// Waits until all threads are dead. Returns whether all got to their ends.
    fn end(&self) -> bool {
        while let Some(slot) = self.alive() {
            let thread = slot.thread();
            // One that another thread joins is taken out before its slot is given back, so
            // if it is still there, that was the right thread.
            if self.threads.load(Ordering::Acquire) & slot.bit() != 0 {
                slot::wait_for_all(thread);
            }
        }
        // Now nobody is left who could start or join one.
        let mut all_done = true;
        for slot in slots(self.threads.load(Ordering::Acquire)) {
            all_done &= slot.is_done();
            slot.give_back();
        }
        all_done
    }

    /// A thread that may be alive.
    fn alive(&self) -> Option<Slot> {
        slots(self.threads.load(Ordering::Acquire)).find(|slot| !slot::is_over(slot.thread()))
    }
}

/// The slots of a set.
fn slots(mut set: u32) -> impl Iterator<Item = Slot> {
    core::iter::from_fn(move || {
        let bit = set & set.wrapping_neg();
        set &= !bit;
        (bit != 0).then(|| Slot::of_bit(bit))
    })
}

/// A thread of a scope.
pub struct ScopedJoinHandle<'scope, T> {
    started: Started<T>,
    threads: &'scope AtomicU32,
    result: PhantomData<T>,
}

// SAFETY: it gives the result, which is `Send`, to whoever joins.
unsafe impl<T: Send> Send for ScopedJoinHandle<'_, T> {}
// SAFETY: by reference it tells an id.
unsafe impl<T: Send> Sync for ScopedJoinHandle<'_, T> {}

impl<T> ScopedJoinHandle<'_, T> {
    /// The thread's id.
    pub fn id(&self) -> EnvId {
        self.started.id
    }

    /// Waits for its end and returns its result.
    ///
    /// # Errors
    /// [`Died`] if it ended otherwise than by returning.
    pub fn join(self) -> Result<T, Died> {
        let Started { slot, id, result } = self.started;
        slot::wait_for_all(id);
        // SAFETY: the thread is done and dead, and nobody else has the handle.
        let result = slot.is_done().then(|| unsafe { result.read() });
        self.threads.fetch_and(!slot.bit(), Ordering::AcqRel);
        slot.give_back();
        core::mem::forget(self);
        result.ok_or(Died)
    }
}

impl<T> Drop for ScopedJoinHandle<'_, T> {
    fn drop(&mut self) {
        if self.started.slot.leave() {
            // SAFETY: the thread is done, and left the result to us.
            unsafe { self.started.result.drop_in_place() };
        }
    }
}
