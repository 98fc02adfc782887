//! Interrupts that nobody asked for: counted, and charged to no environment.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Non-maskable interrupts, counted by their stub.
pub static NMIS: AtomicU32 = AtomicU32::new(0);
/// Interrupts that no device of ours sent.
pub static SPURIOUS: AtomicU32 = AtomicU32::new(0);
/// Errors that a local APIC reported.
pub static APIC_ERRORS: AtomicU32 = AtomicU32::new(0);

/// The name and number of each kind, for the monitor.
pub fn counts() -> [(&'static str, u32); 3] {
    [
        ("NMI (the watchdog sends 18 a second to each CPU)", &NMIS),
        ("spurious", &SPURIOUS),
        ("APIC error", &APIC_ERRORS),
    ]
    .map(|(name, count)| (name, count.load(Relaxed)))
}
