//! The big kernel lock: test-and-set, with newcomers giving way.
//!
//! One CPU at a time runs the kernel; this lock hands it the `&mut`. The hard
//! thing is fairness without a queue. A queue is fair, but if the next in line is a
//! virtual CPU that the host is not running, all CPUs stand still. A plain
//! test-and-set never stands still, but a CPU that releases the lock and wants it
//! again at once beats those that wait. So a CPU that has waited long raises a hand
//! (`Word::claimed`), and a CPU that *comes* to the lock then lets the waiting ones
//! go first, for a bounded time. The hand is a hint: mutual exclusion and progress
//! do not depend on it.
//!
//! The choice, and the numbers it rests on: docs/decisions/0002-big-lock.md.
#![expect(unsafe_code, reason = "the one file of this crate that may")]

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::sync::{AtomicBool, CLAIM_AFTER, GIVE_WAY, Ordering, spin_loop};

/// A value that one CPU at a time can use.
#[derive(Debug)]
pub struct BigLock<T> {
    word: Word,
    value: UnsafeCell<T>,
}

/// The state of a lock, in a cache line of its own: waiting CPUs read it all the time,
/// and would otherwise take the value's line from the holder.
#[derive(Debug)]
#[repr(align(64))]
struct Word {
    /// Whether a [`Guard`] exists or is being made.
    held: AtomicBool,
    /// Whether some CPU has waited long. A hint.
    claimed: AtomicBool,
}

// SAFETY: sharing the lock lets another thread get at the value, but only
// (1) one thread at a time, because a `Guard` exists only between a change of
// `held` from false to true and the store of false in its `drop`; and
// (2) that amounts to sending the value from one to the other, which
// `T: Send` allows. `&T` is never given to two threads, so `T: Sync` is not
// needed.
unsafe impl<T: Send> Sync for BigLock<T> {}

/// The right to use the value, until it is dropped.
///
/// It must be dropped by the CPU that took the lock, so it is not `Send`; and
/// it proves that the CPU holds the lock, so it is not `Sync` either.
///
/// ```compile_fail,E0277
/// let lock = biglock::BigLock::new(0);
/// let guard = lock.lock(|| ());
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(guard));
/// });
/// ```
#[derive(Debug)]
#[must_use = "the lock is released at once if the guard is not kept"]
pub struct Guard<'a, T> {
    lock: &'a BigLock<T>,
    stays_on_its_cpu: PhantomData<*mut T>,
}

impl<T> BigLock<T> {
    /// A free lock.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> BigLock<T> {
        BigLock {
            word: Word {
                held: AtomicBool::new(false),
                claimed: AtomicBool::new(false),
            },
            value: UnsafeCell::new(value),
        }
    }

    /// A free lock. (The model checker's atomics are not made by constants.)
    #[cfg(loom)]
    pub fn new(value: T) -> BigLock<T> {
        BigLock {
            word: Word {
                held: AtomicBool::new(false),
                claimed: AtomicBool::new(false),
            },
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock, waiting until it is free. Meanwhile it calls `on_spin` again
    /// and again, with a pause in between; the kernel answers its mail there.
    ///
    /// A CPU that already holds the lock waits for ever.
    #[inline]
    pub fn lock(&self, on_spin: impl FnMut()) -> Guard<'_, T> {
        // Relaxed: a hint, see below.
        if self.word.claimed.load(Ordering::Relaxed) || !self.take() {
            self.wait(on_spin);
        }
        self.guard()
    }

    /// Takes the lock if it is free and no CPU has waited long for it: the fast path of
    /// [`BigLock::lock`], for callers that have a slow path of their own.
    #[inline]
    pub fn lock_at_once(&self) -> Option<Guard<'_, T>> {
        // Relaxed: a hint, as in `lock`.
        let may_take = !self.word.claimed.load(Ordering::Relaxed);
        (may_take && self.take()).then(|| self.guard())
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.take().then(|| self.guard())
    }

    /// The value without the lock, for the last words of a dying kernel: a
    /// CPU that panics may hold the lock itself, or have stopped the one that
    /// does, and must still print what is in the console's ring.
    ///
    /// # Safety
    ///
    /// 1. Every other CPU has been stopped for good.
    /// 2. The caller never returns to what it was doing: a [`Guard`] that it
    ///    holds is never used again.
    ///
    /// The value may be in the middle of a change. Only what is meaningful
    /// even then may be read through the pointer.
    pub unsafe fn force(&self) -> *mut T {
        self.value.get()
    }

    /// Tries to go from free to held.
    ///
    /// Acquire: pairs with the release store in `Guard::drop`, so that this holder
    /// sees all that the last one wrote. Relaxed when it fails: then it reads
    /// nothing. (On the machine a swap would do. But a swap that finds the lock held
    /// writes to it, and the model checker does not know that the holder's release
    /// must come after such a write.)
    #[inline]
    fn take(&self) -> bool {
        self.word
            .held
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// The guard of a lock that was just taken by [`BigLock::take`].
    #[inline]
    fn guard(&self) -> Guard<'_, T> {
        Guard {
            lock: self,
            stays_on_its_cpu: PhantomData,
        }
    }

    /// Takes the lock when it was not free, or when others have waited long.
    #[cold]
    fn wait(&self, mut on_spin: impl FnMut()) {
        self.give_way(&mut on_spin);
        let mut spins = 0u32;
        // Look before trying: a try takes the cache line from the holder, a
        // load shares it. Relaxed: only the try decides.
        while self.word.held.load(Ordering::Relaxed) || !self.take() {
            spin_loop();
            on_spin();
            spins = spins.wrapping_add(1);
            if spins.is_multiple_of(CLAIM_AFTER) {
                // Relaxed: the store publishes nothing. The hand goes up again
                // and again, because a CPU that gets the lock lowers it for all.
                self.word.claimed.store(true, Ordering::Relaxed);
            }
        }
        if spins >= CLAIM_AFTER {
            self.word.claimed.store(false, Ordering::Relaxed);
        }
    }

    /// Lets CPUs that have waited long go first. If they do not use the chance (the
    /// host may have taken the processor away from them) their claim lapses, so that
    /// others wait for them only once.
    fn give_way(&self, on_spin: &mut impl FnMut()) {
        for _ in 0..GIVE_WAY {
            if !self.word.claimed.load(Ordering::Relaxed) {
                return;
            }
            spin_loop();
            on_spin();
        }
        self.word.claimed.store(false, Ordering::Relaxed);
    }
}

impl<T: Default> Default for BigLock<T> {
    fn default() -> BigLock<T> {
        BigLock::new(T::default())
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: (1) the value is initialised, and its address is valid as
        // long as the lock, which `self` borrows. (2) This guard is the only
        // one (see `Sync` above), so a `&mut` to the value can come only from
        // this guard's `deref_mut`, which needs `&mut self` and so cannot
        // live now.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: (1) and (2) as in `deref`; (3) `&mut self` excludes every
        // other reference that came from this guard.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the acquire in `take`. On x86 it is a plain
        // store.
        self.lock.word.held.store(false, Ordering::Release);
    }
}
