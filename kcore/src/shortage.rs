//! Memory that a call will need, made sure of before it changes anything.
//!
//! What the dead have left is given back before anything is refused for want of it.
//! The hard thing is that taking apart is bounded in one step: if that was not
//! enough, the call has changed nothing, and is made again in a later step.

use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::Error;

/// Pieces of dead address spaces that one step takes apart at the most, if it
/// needs frames; each is a few page tables.
const PIECES: u32 = 32;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes sure that `needed` frames can be taken, at the cost of taking dead
    /// address spaces apart, those of children that died with their parents
    /// included; a bounded number of pieces. If that was not enough, the call may
    /// have to be made again: [`Kernel::may_be_had`].
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

    /// Takes a bounded piece of a dead address space apart, if there is one.
    pub(crate) fn reap_dead(&mut self) -> bool {
        self.reaper
            .work(&mut self.mem, &mut self.frames, &mut self.watcher)
    }
}
