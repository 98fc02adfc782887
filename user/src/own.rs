//! What an environment has to itself even if it shares all else.
//!
//! Threads, and those made by [`crate::sfork()`], are environments with one memory. Three
//! things must differ: the pages of scratch, the exception stack, and one page at [`PAGE`], which
//! each has of its own and in which the library remembers which environment this is.
//!
//! The hard thing is page tables, of which each environment has its own: what one maps from
//! now on the others do not see. So once memory is shared ([`is_shared`]), the library
//! maps nothing that a Rust object could be in: see [`crate::together`].

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use abi::layout::{PGSIZE, PTSIZE, USTACKTOP};

/// The table that the ordinary stack and the exception stack are in.
pub(crate) const STACKS: u32 = USTACKTOP & !(PTSIZE - 1);
/// Pages of scratch, below [`PAGE`].
const SCRATCHES: u32 = 4;
/// An environment's own page.
pub(crate) const PAGE: u32 = STACKS + SCRATCHES * PGSIZE;

/// A page of scratch: each has one user.
pub(crate) const fn scratch(index: u32) -> u32 {
    assert!(index < SCRATCHES);
    STACKS + index * PGSIZE
}

/// Where the stacks of threads are, each with a page below that is never mapped.
pub(crate) const THREAD_STACKS: Range<u32> = 0xc000_0000..0xc000_0000 + PTSIZE;

static SHARED: AtomicBool = AtomicBool::new(false);

/// Whether other environments share this memory, or did.
pub(crate) fn is_shared() -> bool {
    SHARED.load(Ordering::Relaxed)
}

/// From now on others share this memory.
pub(crate) fn share() {
    SHARED.store(true, Ordering::Relaxed);
}
