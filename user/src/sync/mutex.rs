//! A value that one thread at a time can use.
//!
//! The hard thing is a thread that dies while it has the value, which may then be half
//! changed. Nobody gets it any more: [`Mutex::lock`] says so, to those who wait and to those
//! who come.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use super::holder::{Holder, Refused};
use crate::env;

/// The thread died on which this depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Died;

impl fmt::Display for Died {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a thread died")
    }
}

/// A value and its lock.
pub struct Mutex<T> {
    holder: Holder,
    value: UnsafeCell<T>,
}

// SAFETY: a guard is the only way to the value, and there is one at a time. It hands the
// value from thread to thread, hence `Send`.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// A mutex that nobody holds.
    pub const fn new(value: T) -> Mutex<T> {
        Mutex {
            holder: Holder::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits until no other thread has the value, and takes it until the guard is dropped.
    ///
    /// # Errors
    /// [`Died`] if a thread has died that had the value.
    ///
    /// # Panics
    /// If the caller has the value already.
    #[inline]
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, Died> {
        match self.holder.take(env::this_id()) {
            Ok(()) => Ok(self.guard()),
            Err(refused) => refuse(refused),
        }
    }

    /// Takes the value if nobody has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let taken = self.holder.try_take(env::this_id());
        taken.then(|| self.guard())
    }

    /// For the one who has just taken the lock.
    fn guard(&self) -> MutexGuard<'_, T> {
        MutexGuard {
            mutex: self,
            stays: PhantomData,
        }
    }

    /// The value, which nobody else can reach.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

#[cold]
fn refuse<T>(refused: Refused) -> Result<T, Died> {
    match refused {
        Refused::Dead => Err(Died),
        Refused::Held => panic!("a mutex is locked twice by one thread"),
    }
}

/// The value of a [`Mutex`], which is free again when this is dropped. It stays with its
/// thread, whose id the lock has.
pub struct MutexGuard<'m, T> {
    mutex: &'m Mutex<T>,
    /// It is not `Send`.
    stays: PhantomData<*mut T>,
}

impl<'m, T> MutexGuard<'m, T> {
    /// The mutex that it is of.
    pub(super) fn mutex(&self) -> &'m Mutex<T> {
        self.mutex
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard has the lock, so nobody else has the value.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and this guard is borrowed.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.mutex.holder.release();
    }
}
