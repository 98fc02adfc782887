//! What time it is, sleeping, and deadlines; and the processor's own clock.
//!
//! The hard thing is a kernel that has less. Lab 6 of JOS has a clock that moves every ten
//! milliseconds: with that, a sleep lets others run until it is late enough. Earlier labs
//! have no clock, and none has a wait that ends by itself; then the answer is
//! [`Error::NotSupp`]. Of the processor's clock it is what its number means: ticks
//! on hardware, executed instructions under an emulator that counts them, nothing across CPUs.

use core::arch::asm;
use core::time::Duration;

use abi::Error;
use abi::call::FEATURE_TIME;

use crate::interface::Interface;
use crate::sys;

/// A moment, in microseconds since the kernel was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// Now. On Jostle this never goes back; the clock of lab 6 may after 24 days.
    ///
    /// # Errors
    /// `NotSupp` where there is no clock.
    pub fn now() -> Result<Instant, Error> {
        if has_time() {
            return sys::time_usec().map(Instant);
        }
        match sys::time_msec() {
            Ok(time) => Ok(Instant(u64::from(time) * 1000)),
            Err(_) => Err(Error::NotSupp),
        }
    }

    /// The moment so much later, or the last one that there is.
    #[must_use]
    pub fn after(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(microseconds(duration)))
    }

    /// How much later this is than `earlier`; nothing if it is not.
    #[must_use]
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Waits until it is as late as `moment`.
///
/// # Errors
/// `NotSupp` where there is no clock; `Inval` if the wait was cancelled.
pub fn sleep_until(moment: Instant) -> Result<(), Error> {
    if has_time() {
        return sys::sleep_until(moment.0);
    }
    while Instant::now()? < moment {
        sys::yield_now();
    }
    Ok(())
}

/// Waits for so long, or a little longer.
///
/// # Errors
/// As [`sleep_until`].
pub fn sleep(duration: Duration) -> Result<(), Error> {
    sleep_until(Instant::now()?.after(duration))
}

/// Does what `waits` does, but has it wait for nobody from `moment` on: the wait that is
/// not over by then fails with `TimedOut`. A deadline that was set before is gone.
///
/// # Errors
/// Those of `waits`; `NotSupp` where there is no deadline, before anything is done.
pub fn until<T>(moment: Instant, waits: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    if !has_time() {
        return Err(Error::NotSupp);
    }
    // 0 would be no deadline, and 1 is past too.
    sys::env_set_deadline(moment.0.max(1))?;
    let result = waits();
    sys::env_set_deadline(0)?;
    result
}

fn has_time() -> bool {
    Interface::get().offers(FEATURE_TIME)
}

/// As many as there are, rounded up.
fn microseconds(duration: Duration) -> u64 {
    let rest = u64::from(duration.subsec_nanos().div_ceil(1000));
    duration
        .as_secs()
        .saturating_mul(1_000_000)
        .saturating_add(rest)
}

/// The time-stamp counter.
#[inline(always)]
pub fn cycles() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reads a counter that every processor has that Jostle runs on.
    // Not `nomem`, so that what is measured stays between two readings.
    unsafe { asm!("rdtsc", out("eax") low, out("edx") high, options(nostack)) };
    u64::from(high) << 32 | u64::from(low)
}
