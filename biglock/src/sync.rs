//! Where the atomics come from: the machine, or the model checker.
//!
//! The hard thing is that constants which make sense to a CPU do not to a
//! checker: it follows every path, so the paths that a CPU takes after hundreds
//! of spins must come after one or two. Nothing but those numbers differs
//! between what is checked and what runs.

#[cfg(not(loom))]
pub(crate) use core::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};
#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

/// How many spins one has waited before newcomers give way.
pub(crate) const CLAIM_AFTER: u32 = if cfg!(loom) { 1 } else { 64 };
/// For how many spins a newcomer gives way.
pub(crate) const GIVE_WAY: u32 = if cfg!(loom) { 1 } else { 64 };
