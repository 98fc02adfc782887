//! The processor's own clock.
//!
//! The hard thing is what its number means: ticks on hardware, executed
//! instructions under an emulator that counts them, nothing across CPUs.

use core::arch::asm;

/// The time-stamp counter.
#[inline(always)]
pub fn cycles() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reads a counter that every processor has that Jostle runs on.
    // Not `nomem`, so that what is measured stays between two readings.
    unsafe { asm!("rdtsc", out("eax") low, out("edx") high, options(nostack)) };
    u64::from(high) << 32 | u64::from(low)
}
