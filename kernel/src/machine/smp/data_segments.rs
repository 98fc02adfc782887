//! FS and GS, which belong to environments as all registers do.
//!
//! The trap frame has no place for them, and no program of the course loads
//! them; so they stay on the CPU until another environment comes, and are kept
//! aside for the few that have loaded something else than every program starts
//! with. (Were they reset at a switch only, what a program reads would depend
//! on who ran in between; were they reset at each way out, all system calls
//! would pay.) The hard thing is to cost a switch next to nothing: a CPU that no
//! environment is on holds [`USER_DATA`] in both, and one sum and one counter
//! tell that there is nothing to do.
//!
//! A fork's child starts anew.

use crate::machine::x86;
use abi::EnvId;
use abi::env::NENV;
use abi::trap::USER_DATA;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// What is kept, by slot: FS in the lower half and GS in the upper one, with
/// [`KEPT`] set. Only the big lock's holder touches this and the counter.
static SELECTORS: [AtomicU32; NENV] = [const { AtomicU32::new(0) }; NENV];
/// A bit that no selector has.
const KEPT: u32 = 1 << 31;
/// For how many slots something is kept.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Changes what is kept for an environment's slot; returns what was.
fn exchange(id: EnvId, new: u32) -> u32 {
    let place = &SELECTORS[id.slot() % NENV];
    let old = place.load(Relaxed);
    place.store(new, Relaxed);
    let count = COUNT.load(Relaxed) + u32::from(new != 0) - u32::from(old != 0);
    COUNT.store(count, Relaxed);
    old
}

/// The environment with this id leaves this CPU.
#[inline(always)]
pub fn leave(id: EnvId) {
    // No selector that ring 3 can load is greater than USER_DATA, so only both
    // being that come to this sum.
    if x86::fs() + x86::gs() != 2 * USER_DATA {
        keep(id);
    }
}

#[cold]
fn keep(id: EnvId) {
    // Early processors leave the upper half of such a register as it was.
    exchange(id, x86::fs() & 0xffff | x86::gs() << 16 | KEPT);
    x86::reset_fs_gs();
}

/// The environment with this id comes to this CPU.
#[inline(always)]
pub fn arrive(id: EnvId) {
    if COUNT.load(Relaxed) != 0 {
        put_back(id);
    }
}

#[cold]
fn put_back(id: EnvId) {
    let kept = exchange(id, 0);
    if kept != 0 {
        // SAFETY: (97) user mode had them loaded, and all CPUs have the same
        // descriptors.
        unsafe { x86::load_fs_gs(kept & 0xffff, (kept & !KEPT) >> 16) };
    }
}

/// The environment with this id runs for the first time: what was kept for its slot
/// was another's.
#[cold]
pub fn forget(id: EnvId) {
    exchange(id, 0);
}
