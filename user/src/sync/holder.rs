//! Who holds a lock.
//!
//! One word: 0, or the id of the environment that holds it; and one bit, which is set if another
//! may be waiting. To take a lock that is free and to release one that nobody waits for are one
//! instruction each; the kernel is asked only to wait and to wake.
//!
//! The hard thing is the death of a holder. Nobody runs code for it, so its id stays in the
//! word; but it is the owner of everybody's wait, so the kernel ends these, and refuses
//! later ones. Such a lock is never free again: what it guards may be half changed.
//!
//! Who waits has named the holder of that time, and there will be others. So a release hands
//! over those that go on waiting to the one that it wakes. From then on they depend on that
//! one: it may die before it takes the lock, or with it, or while it waits for one that was
//! faster. A death counts as the lock's end only if the word has the dead one's id; the first
//! to see that wakes all others. The bit stays set until a release finds nobody to wake.

use core::sync::atomic::{AtomicU32, Ordering};

use abi::{EnvId, Error};

use crate::sys;

/// Somebody may be waiting. Ids are positive, so they lack this bit.
const WAITED_FOR: u32 = 1 << 31;

/// The word.
pub(crate) struct Holder(AtomicU32);

/// Why a lock cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The one who asks holds it.
    Held,
    /// The one who held it is dead.
    Dead,
}

impl Holder {
    pub(crate) const fn new() -> Holder {
        Holder(AtomicU32::new(0))
    }

    /// Takes the lock for `this`, the caller; waits while another holds it.
    #[inline]
    pub(crate) fn take(&self, this: EnvId) -> Result<(), Refused> {
        match self.exchange(0, this.0 as u32) {
            Ok(_) => Ok(()),
            Err(_) => self.wait(this),
        }
    }

    /// Takes the lock for `this` if nobody holds it.
    pub(crate) fn try_take(&self, this: EnvId) -> bool {
        let own = this.0 as u32;
        self.exchange(0, own).is_ok() || self.exchange(WAITED_FOR, own | WAITED_FOR).is_ok()
    }

    /// Lets the lock go.
    #[inline]
    pub(crate) fn release(&self) {
        // Only the holder clears its id, and only others set the bit: fails if one has.
        let own = self.0.load(Ordering::Relaxed) & !WAITED_FOR;
        let (success, failure) = (Ordering::Release, Ordering::Relaxed);
        if self.0.compare_exchange(own, 0, success, failure).is_err() {
            self.release_to_others();
        }
    }

    #[cold]
    #[inline(never)]
    fn release_to_others(&self) {
        self.0.store(WAITED_FOR, Ordering::Release);
        if sys::futex_pass_on(&self.0, 1) == Ok(0) {
            // If another holds it by now, that one will see to it.
            let _ = self.exchange(WAITED_FOR, 0);
        }
    }

    #[cold]
    #[inline(never)]
    fn wait(&self, this: EnvId) -> Result<(), Refused> {
        let own = this.0 as u32;
        let mut found = self.0.load(Ordering::Relaxed);
        loop {
            let holder = found & !WAITED_FOR;
            if holder == 0 {
                // Others may still wait.
                match self.exchange(found, own | WAITED_FOR) {
                    Ok(_) => return Ok(()),
                    Err(now) => found = now,
                }
                continue;
            }
            if holder == own {
                return Err(Refused::Held);
            }
            let waited_for = holder | WAITED_FOR;
            if found == waited_for || self.exchange(found, waited_for).is_ok() {
                let owner = EnvId(holder as i32);
                let waited = sys::futex_wait(&self.0, waited_for, owner);
                found = self.0.load(Ordering::Relaxed);
                if waited == Err(Error::BadEnv) && found == waited_for {
                    self.tell_all();
                    return Err(Refused::Dead);
                }
            } else {
                found = self.0.load(Ordering::Relaxed);
            }
        }
    }

    /// The holder is dead: has all who wait see that.
    fn tell_all(&self) {
        const AT_ONCE: u32 = 64;
        while sys::futex_wake(&self.0, AT_ONCE) == Ok(AT_ONCE) {}
    }

    fn exchange(&self, from: u32, to: u32) -> Result<u32, u32> {
        let (success, failure) = (Ordering::Acquire, Ordering::Relaxed);
        self.0.compare_exchange(from, to, success, failure)
    }
}
