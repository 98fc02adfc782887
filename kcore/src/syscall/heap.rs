//! `sbrk`: a heap that grows and shrinks at its end.
//!
//! This is an extension; JOS's programs build a heap from page calls. The kernel
//! keeps two addresses for each environment: where its heap begins, which is where its
//! program ends, and where the heap ends. Children inherit both.
//!
//! The hard thing is that a call over many pages must be bounded, and must succeed
//! or change nothing. So it reserves all memory it may need, over several steps if
//! necessary, before it maps the first page, and it moves the end by at most
//! [`MAX_PAGES`] pages. It leaves pages alone that are already mapped, so that no
//! program loses data.

use super::{CallResult, Caller, Outcome};
use crate::effects::Effects;
use crate::env::Env;
use crate::kernel::Kernel;
use crate::paging::{Pte, UserPage};
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::layout::PGSIZE;
use abi::{Error, Perm, TrapFrame};

/// One call maps or unmaps at most this many pages.
const MAX_PAGES: u32 = 1024;

/// The highest end of a heap. `sbrk` returns such addresses, and numbers from
/// 0x8000_0000 on mean errors.
pub(crate) const HEAP_LIMIT: u32 = 0x8000_0000 - PGSIZE;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    pub(super) fn sys_sbrk(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [increment, ..] = frame.arguments();
        let Env {
            heap_start,
            heap_end: old,
            ..
        } = self.envs[caller.slot];
        let new = old
            .checked_add_signed(increment.cast_signed())
            .filter(|end| (heap_start..=HEAP_LIMIT).contains(end))
            .ok_or(Error::Inval)?;
        let (old_top, new_top) = (page_up(old), page_up(new));
        if old_top.abs_diff(new_top) / PGSIZE > MAX_PAGES {
            return Err(Error::Inval);
        }
        if new_top > old_top {
            self.grow_heap(caller, old_top, new_top)?;
        } else {
            self.shrink_heap(caller, new_top, old_top);
        }
        self.envs[caller.slot].heap_end = new;
        Ok(Outcome::Done(old))
    }

    /// Maps zeroed pages in the range, except where pages are already mapped.
    fn grow_heap(&mut self, caller: Caller, start: u32, end: u32) -> Result<(), Error> {
        let space = self.envs[caller.slot].space;
        let pages = || {
            (start..end)
                .step_by(PGSIZE as usize)
                .filter_map(UserPage::new)
        };
        let mut needed = 0;
        let mut last_table = None;
        for page in pages() {
            if space.slot(&self.mem, page.va()).is_none() && last_table != Some(page.table()) {
                last_table = Some(page.table());
                needed += 1;
            }
            needed += u32::from(!space.entry(&self.mem, page).is_present());
        }
        self.reserve(needed)?;
        for page in pages() {
            if !space.entry(&self.mem, page).is_present() {
                let frame = self.fresh_frame()?;
                self.place(caller, caller.slot, page, Pte::new(frame, Perm::WRITE))?;
            }
        }
        Ok(())
    }

    /// Unmaps the caller's pages in the range. A step can name only one page to flush,
    /// so if any page was mapped, it flushes all.
    fn shrink_heap(&mut self, caller: Caller, start: u32, end: u32) {
        let pages = (start..end).step_by(PGSIZE as usize);
        for page in pages.filter_map(UserPage::new) {
            self.unmap(caller, caller.slot, page);
        }
        if self.effects.contains(Effects::FLUSH) {
            self.effects |= Effects::FLUSH_ALL;
        }
    }
}

/// The start of the first page at or above `va`, which must not exceed [`HEAP_LIMIT`].
pub(crate) const fn page_up(va: u32) -> u32 {
    va.next_multiple_of(PGSIZE)
}
