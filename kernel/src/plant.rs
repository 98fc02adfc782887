//! Planted faults of the hardware half, to show that tests bite.
//!
//! As in [`kcore::plant`], whose faults are those of the core: one
//! condition in the code that it breaks, and nothing at all without the feature
//! `plant`. The hard thing is that they are asked for where no lock is held; so
//! which one is planted is a word of its own, written once at boot.

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A bug that can be planted.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Fault {
    /// The last CPU panics before it runs anything.
    PanicNow = 1,
    /// x87 and SSE registers stay where they are when environments change.
    ShareFpu,
    /// The last x87 instruction's pointers stay in the unit when it is cleaned.
    KeepFpuPointers,
    /// So do, without FXSAVE, the x87 registers.
    KeepFpuData,
    /// The other CPUs' counters are a second late, and cannot be set.
    LateClock,
    /// FS and GS are reset at every switch.
    ResetSelectors,
    /// CPU 0 writes as many chunks as there are, whoever waits for it.
    WriteForEver,
    /// It receives as many bytes as there are.
    ReadForEver,
}

/// Which one; 0 for none.
static PLANTED: AtomicU8 = AtomicU8::new(0);

/// Plants the fault with this name. False if there is none in this kernel.
pub fn plant(name: &str) -> bool {
    let known = [
        ("panic-now", Fault::PanicNow),
        ("share-fpu", Fault::ShareFpu),
        ("keep-fpu-pointers", Fault::KeepFpuPointers),
        ("keep-fpu-data", Fault::KeepFpuData),
        ("late-clock", Fault::LateClock),
        ("reset-selectors", Fault::ResetSelectors),
        ("write-for-ever", Fault::WriteForEver),
        ("read-for-ever", Fault::ReadForEver),
    ];
    let found = known.iter().find(|(known, _)| *known == name);
    match found {
        Some(&(_, fault)) if cfg!(feature = "plant") => {
            PLANTED.store(fault as u8, Relaxed);
            true
        }
        _ => false,
    }
}

/// Whether this fault is planted; constant `false` without the feature.
#[inline(always)]
pub fn is(fault: Fault) -> bool {
    cfg!(feature = "plant") && PLANTED.load(Relaxed) == fault as u8
}
