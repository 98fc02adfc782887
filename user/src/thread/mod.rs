//! Threads: environments that share all memory.
//!
//! In the spirit of `std::thread`. Each thread is an environment of the kernel's, with a CPU's
//! share, messages, faults and a deadline of its own, so one that panics or faults ends alone.
//! Its stack has 16 KiB, and below that a page that is never mapped.
//!
//! The hard thing is memory, which must not change once there are threads: see
//! `together`. From the first [`spawn`] or [`scope`](fn@scope) on, the heap has what was
//! [`reserve`]d and no more, what a thread maps by [`crate::vm`] or [`crate::area`] it has alone, and
//! [`crate::fork()`] refuses. Another program can still be [`spawn`](mod@crate::spawn)ed.
//!
//! When the first thread returns from `main`, the others go on.

mod scope;
mod slot;
mod start;

use core::marker::PhantomData;

use abi::{EnvId, Error};

use crate::sync::Died;
use crate::{env, own, sys, together};
use start::{Started, start_thread};

pub use scope::{Scope, ScopedJoinHandle, scope};

/// The most threads at a time, beside the first.
pub const MOST: usize = together::STACKS as usize;

/// Has at least so many bytes of heap mapped for the time when there are threads. Without it
/// there are 256 KiB.
///
/// # Errors
/// `NotSupp` where there are no threads; `NoMem`; `Inval` if there are some already.
pub fn reserve(bytes: usize) -> Result<(), Error> {
    if own::is_shared() {
        return Err(Error::Inval);
    }
    together::begin(u32::try_from(bytes).map_err(|_| Error::NoMem)?)
}

/// Starts a thread that calls `closure`.
///
/// # Errors
/// `NotSupp` on a kernel without `futex_wait`; `NoFreeEnv` if there are [`MOST`] threads or
/// too many environments; `NoMem`.
pub fn spawn<F, T>(closure: F) -> Result<JoinHandle<T>, Error>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    // SAFETY: it borrows nothing that could go away: statics, the heap and the stacks of
    // threads stay mapped for as long as anybody has them.
    let started = unsafe { start_thread(closure, |_, _| ())? };
    Ok(JoinHandle {
        started,
        result: PhantomData,
    })
}

/// The caller's id.
pub fn current() -> EnvId {
    env::this_id()
}

/// Lets others run.
pub fn yield_now() {
    sys::yield_now();
}

/// A thread. If this is dropped, the thread goes on by itself.
pub struct JoinHandle<T> {
    started: Started<T>,
    result: PhantomData<T>,
}

// SAFETY: it gives the result, which is `Send`, to whoever joins.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: by reference it tells an id.
unsafe impl<T: Send> Sync for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// The thread's id.
    pub fn id(&self) -> EnvId {
        self.started.id
    }

    /// Waits for its end and returns its result. A deadline does not end this. If it died in
    /// the middle of a [`scope`](fn@scope), waits for the threads in that too.
    ///
    /// # Errors
    /// [`Died`] if it ended otherwise than by returning: it panicked, faulted, or was ended.
    pub fn join(self) -> Result<T, Died> {
        let Started { slot, id, result } = self.started;
        slot::wait_for_all(id);
        // SAFETY: the thread is done and dead, and nobody else has the handle.
        let result = slot.is_done().then(|| unsafe { result.read() });
        slot.give_back();
        core::mem::forget(self);
        result.ok_or(Died)
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let slot = self.started.slot;
        if slot.leave() {
            // SAFETY: the thread is done, and left the result to us.
            unsafe { self.started.result.drop_in_place() };
        }
        slot.detach();
    }
}
