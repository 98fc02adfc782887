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

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes sure that `needed` frames can be taken. If too few are free, reclaims a piece
    /// of a dead address space, or ends a doomed environment. If it still fails, the
    /// caller may try again: [`Kernel::may_succeed_later`].
    #[inline(always)]
    pub(crate) fn reserve(&mut self, needed: u32) -> Result<(), Error> {
        if needed == 0 || self.frames.has(needed) || self.reclaim(needed) {
            Ok(())
        } else {
            Err(Error::NoMem)
        }
    }

    #[cold]
    fn reclaim(&mut self, needed: u32) -> bool {
        (self.reap_dead() || self.reap_doomed()) && self.frames.has(needed)
    }

    /// Reclaims a bounded piece of a dead address space. Returns false if there is none.
    pub(crate) fn reap_dead(&mut self) -> bool {
        self.reaper
            .work(&mut self.mem, &mut self.frames, &mut self.watcher)
    }
}
