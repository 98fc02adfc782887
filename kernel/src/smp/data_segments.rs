//! FS and GS, which belong to environments as all registers do.
//!
//! The trap frame has no place for them, and no program of the course loads
//! them; so they stay on the CPU until another environment comes, and are kept
//! aside for the few that have loaded something else than every program starts
//! with. (Were they reset at a switch only, what a program reads would depend
//! on who ran in between; were they reset at each way out, all system calls
//! would pay.) The hard thing is to cost nothing: a CPU that no environment is on holds
//! [`USER_DATA`] in both, so that a switch reads them, finds that, and is done.
//!
//! Kept is the difference to that; 0 means none. A fork's child starts anew.

use crate::plant::{self, Fault};
use crate::smp::ThisCpu;
use crate::x86;
use abi::EnvId;
use abi::env::NENV;
use abi::trap::USER_DATA;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// What is in both while no environment is on a CPU.
const OURS: u16 = USER_DATA as u16;

/// What is kept, by slot.
static KEPT: [AtomicU32; NENV] = [const { AtomicU32::new(0) }; NENV];

fn kept(id: EnvId) -> &'static AtomicU32 {
    &KEPT[id.slot() % NENV]
}

/// The environment on this CPU leaves it.
#[inline(always)]
pub fn leave(cpu: ThisCpu) {
    let (fs, gs) = (x86::fs() ^ OURS, x86::gs() ^ OURS);
    if fs | gs != 0 {
        keep(cpu, fs, gs);
    }
}

#[cold]
fn keep(cpu: ThisCpu, fs: u16, gs: u16) {
    let id = EnvId(cpu.area().env.load(Relaxed) as i32);
    if !plant::is(Fault::ResetSelectors) {
        kept(id).store(u32::from(fs) | u32::from(gs) << 16, Relaxed);
    }
    x86::reset_fs_gs();
}

/// The environment with this id comes to this CPU.
#[inline(always)]
pub fn arrive(id: EnvId) {
    let difference = kept(id).load(Relaxed);
    if difference != 0 {
        put_back(id, difference);
    }
}

#[cold]
fn put_back(id: EnvId, difference: u32) {
    kept(id).store(0, Relaxed);
    let (fs, gs) = (
        difference & 0xffff ^ USER_DATA,
        difference >> 16 ^ USER_DATA,
    );
    // SAFETY: (97) user mode had them loaded, and all CPUs have the same
    // descriptors.
    unsafe { x86::load_fs_gs(fs, gs) };
}

/// The environment with this id is new: what was kept was another's.
pub fn forget(id: EnvId) {
    kept(id).store(0, Relaxed);
    x86::reset_fs_gs();
}
