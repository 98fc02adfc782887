//! Reserving memory before a call changes anything.
//!
//! The kernel refuses no call for want of memory that dead environments still hold:
//! it reclaims that first. The hard thing is that one step may reclaim only a bounded
//! amount. If that was not enough, the call has changed nothing, and is made again in
//! a later step.

use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::Error;

/// A step that needs frames reclaims at most this many pieces of dead address spaces;
/// each piece is a few page tables.
const PIECES: u32 = 32;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes sure that `needed` frames can be taken. If too few are free, reclaims a
    /// bounded number of pieces of dead address spaces, and ends doomed environments. If
    /// it still fails, the caller may try again: [`Kernel::may_succeed_later`].
    pub(crate) fn reserve(&mut self, needed: u32) -> Result<(), Error> {
        if needed == 0 {
            return Ok(());
        }
        for _ in 0..PIECES {
            if self.frames.has(needed) {
                return Ok(());
            }
            if !self.reap_dead() && !self.reap_doomed() {
                break;
            }
        }
        Err(Error::NoMem)
    }

    /// Reclaims a bounded piece of a dead address space. Returns false if there is none.
    pub(crate) fn reap_dead(&mut self) -> bool {
        self.reaper
            .work(&mut self.mem, &mut self.frames, &mut self.watcher)
    }
}
