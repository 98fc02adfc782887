//! Waiting until a value behind a [`Mutex`] has changed.
//!
//! The hard thing is the moment between letting the value go and waiting. A word counts the
//! notifications; it is read while the value is still locked. If one comes in between, the
//! word has another value, and the kernel does not let us wait.

use core::sync::atomic::{AtomicU32, Ordering};

use abi::EnvId;

use super::mutex::{Died, MutexGuard};
use crate::sys;

/// So many are woken by one call of the kernel at most.
const AT_ONCE: u32 = 64;

/// What threads wait for that want a value to be otherwise.
pub struct Condvar(AtomicU32);

impl Condvar {
    /// One that nobody waits for.
    pub const fn new() -> Condvar {
        Condvar(AtomicU32::new(0))
    }

    /// Lets the value go, waits until another thread notifies, and takes the value again.
    /// May return without that, so the caller looks at the value and waits in a loop.
    ///
    /// # Errors
    /// [`Died`] as for [`Mutex::lock`](super::Mutex::lock). Of a thread that would have
    /// notified and died without having the value, nobody tells.
    pub fn wait<'m, T>(&self, guard: MutexGuard<'m, T>) -> Result<MutexGuard<'m, T>, Died> {
        let seen = self.0.load(Ordering::Relaxed);
        let mutex = guard.mutex();
        drop(guard);
        // However this ends, the caller looks at the value.
        let _ = sys::futex_wait(&self.0, seen, EnvId::NONE);
        mutex.lock()
    }

    /// As [`Condvar::wait`], again and again, while the value is so.
    ///
    /// # Errors
    /// As [`Condvar::wait`].
    pub fn wait_while<'m, T>(
        &self,
        mut guard: MutexGuard<'m, T>,
        mut is_so: impl FnMut(&mut T) -> bool,
    ) -> Result<MutexGuard<'m, T>, Died> {
        while is_so(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Wakes one that waits, if any does.
    pub fn notify_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        let _ = sys::futex_wake(&self.0, 1);
    }

    /// Wakes all that wait.
    pub fn notify_all(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        while sys::futex_wake(&self.0, AT_ONCE) == Ok(AT_ONCE) {}
    }
}

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}
