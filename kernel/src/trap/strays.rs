//! Interrupts that concern nobody: they are counted, and nobody pays.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Non-maskable interrupts, counted by their stub.
pub static NMIS: AtomicU32 = AtomicU32::new(0);
/// Interrupts that no device asked for.
pub static SPURIOUS: AtomicU32 = AtomicU32::new(0);
/// Errors that a local APIC reported.
pub static APIC_ERRORS: AtomicU32 = AtomicU32::new(0);

/// How many of each kind there have been.
pub fn counts() -> [(&'static str, u32); 3] {
    [
        ("NMI (the watchdog sends 18 a second to each CPU)", &NMIS),
        ("spurious", &SPURIOUS),
        ("APIC error", &APIC_ERRORS),
    ]
    .map(|(name, count)| (name, count.load(Relaxed)))
}
