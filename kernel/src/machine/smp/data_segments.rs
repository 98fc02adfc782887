//! FS and GS, which belong to environments as all registers do.
//!
//! The trap frame has no place for them, and no program of the course loads
//! them. So they stay on the CPU until another environment comes; they are saved
//! only for the few environments that loaded something other than the initial
//! selector. (If a switch merely reset them, what a program reads would depend on
//! who ran in between; if every return reset them, all system calls would pay.)
//! The hard thing is to cost a switch next to nothing: a CPU without an
//! environment holds [`USER_DATA`] in both, and one sum and one counter tell that
//! there is nothing to do.
//!
//! The child of a fork starts with the initial selectors.

use crate::machine::smp::ThisCpu;
use crate::machine::x86;
use abi::EnvId;
use abi::env::NENV;
use abi::trap::USER_DATA;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// What is kept, by slot: FS in the lower half and GS in the upper one, with
/// [`KEPT`] set; 0 if nothing is. Only the holder of the big lock, or a CPU that it
/// waits for, touches this and the counter.
static SELECTORS: [AtomicU32; NENV] = [const { AtomicU32::new(0) }; NENV];
/// A bit that no selector has.
const KEPT: u32 = 1 << 31;
/// The number of slots for which something is kept.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Replaces what is kept for an environment's slot; returns the old value.
fn exchange(id: EnvId, new: u32) -> u32 {
    let place = &SELECTORS[id.slot() % NENV];
    let old = place.load(Relaxed);
    place.store(new, Relaxed);
    let count = COUNT.load(Relaxed) + u32::from(new != 0) - u32::from(old != 0);
    COUNT.store(count, Relaxed);
    old
}

/// The environment on `cpu`, which is this one, leaves it.
#[inline(always)]
pub fn leave(cpu: ThisCpu) {
    // Ring 3 can load no selector greater than USER_DATA, so the sum is right only
    // if both are that.
    if x86::fs() + x86::gs() != 2 * USER_DATA {
        keep(cpu);
    }
}

#[cold]
fn keep(cpu: ThisCpu) {
    let id = EnvId(cpu.env().load(Relaxed) as i32);
    // Early processors leave the upper half of the destination as it was.
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
        // SAFETY: (97) user mode had loaded them, and all CPUs have the same
        // descriptors.
        unsafe { x86::load_fs_gs(kept & 0xffff, (kept & !KEPT) >> 16) };
    }
}

/// The environment with this id runs for the first time: anything kept for its slot
/// was an earlier environment's.
#[cold]
pub fn forget(id: EnvId) {
    exchange(id, 0);
}
