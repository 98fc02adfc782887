//! The invariants, as one function that checks them all.
//!
//! It runs between two entries to the kernel, when the last step's effects are
//! done: after every action of a random run, and in every new state of a search.
//! It reports the first broken invariant, by name. The numbers are those of
//! `docs/promises.md`.
//!
//! The hard thing is to recompute, not to repeat: the kernel updates counts,
//! queues and both ends of "runs on" incrementally, so this module derives them
//! from scratch, by walking every list and every page table.

mod environments;
mod memory;
mod queues;
mod verdict;

use abi::EnvStatus;
use kcore::watch::Watcher;
use kcore::{Kernel, PhysMem};
use verdict::check;

pub use verdict::{Broken, Verdict};

/// Checks every invariant. `holds` is scratch space, one word for each frame in
/// the table; its content does not matter.
///
/// Call this only when the last step's effects are done and it is settled.
pub fn audit<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>, holds: &mut [u32]) -> Verdict {
    holds.fill(0);
    environments::slots(kernel)?;
    environments::cpus(kernel)?;
    queues::queues(kernel)?;
    queues::ending(kernel)?;
    queues::senders(kernel)?;
    queues::callers(kernel)?;
    queues::words(kernel)?;
    queues::timers(kernel)?;
    memory::spaces(kernel, holds)?;
    let own = memory::clean_frames(kernel, holds)?;
    memory::frames(kernel, holds, own)?;
    check(
        kernel.console().state.lost == 0,
        "console: no kernel line is lost",
        0,
    )?;
    check(
        kernel.frames().outside.count == 0,
        "I1: no entry names a frame outside the table",
        0,
    )
}

/// How many environments are alive, and how many frames are in use. Both must be
/// as at boot when every environment has died.
pub fn census<M: PhysMem, W: Watcher>(kernel: &Kernel<'_, M, W>) -> (usize, u32) {
    let live = kernel
        .envs()
        .used()
        .filter(|&slot| kernel.envs()[slot].status() != EnvStatus::Free)
        .count();
    (live, kernel.frames().total() - kernel.frames().available())
}
