//! Where the atomics come from: the machine, or a model checker.
//!
//! The hard thing is that numbers which suit a CPU do not suit a checker: it
//! follows every path, so the paths that a CPU takes after many spins must come
//! after one. Only those numbers differ between what is checked and what runs.

#[cfg(not(any(loom, shuttle)))]
pub(crate) use core::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
};
#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
};
#[cfg(shuttle)]
pub(crate) use shuttle::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
};

/// This many spins on the machine, one in a model checker.
const fn patience(spins: u32) -> u32 {
    if cfg!(any(loom, shuttle)) { 1 } else { spins }
}

/// Spins after which a waiting CPU asks newcomers to give way.
pub(crate) const CLAIM_AFTER: u32 = patience(16);
/// Spins for which a newcomer gives way.
pub(crate) const GIVE_WAY: u32 = patience(64);
