//! `sbrk`: a heap that grows and shrinks at its end.
//!
//! This is an extension; JOS's programs build a heap from page calls. The kernel
//! keeps two addresses for each environment: where its heap begins, which is where its
//! program ends, and where the heap ends. Children inherit both.
//!
//! The hard thing is that a call over many pages must be bounded, and must succeed
//! or change nothing. It moves the end by at most [`MAX_PAGES`] pages, a [`PIECE`] in
//! each step; in between, other environments have their turn. Before the first piece
//! it sets aside all frames that it may need ([`crate::frames::Frames::set_aside`]),
//! so that no later piece can fail.
//!
//! In between, the caller's parent may change the same pages. Each of them is then as
//! if the parent had come before or after the whole call: the call leaves pages alone
//! that it finds mapped, and asks for a frame for each page, also for those that are
//! mapped at first, as the parent may take them away.

use super::{CallResult, Caller, Outcome};
use crate::effects::Effects;
use crate::env::{HeapMove, Progress};
use crate::ids::Slot;
use crate::kernel::Kernel;
use crate::paging::{Pte, UserPage};
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::layout::{PGSIZE, PTSIZE};
use abi::{Error, Perm, TrapFrame};

/// One call maps or unmaps at most this many pages.
const MAX_PAGES: u32 = 1024;

/// One step maps or unmaps the pages of at most so many addresses. To map a page takes
/// 1,200 instructions, most of them to zero it.
const PIECE: u32 = 32 * PGSIZE;

/// The highest end of a heap. `sbrk` returns such addresses, and numbers from
/// 0x8000_0000 on mean errors.
pub(crate) const HEAP_LIMIT: u32 = 0x8000_0000 - PGSIZE;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    pub(super) fn sys_sbrk(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [increment, ..] = frame.arguments();
        let env = &self.envs[caller.slot];
        let (heap_start, heap_end) = (env.heap_start, env.heap_end);
        let heap_move = env.heap_move();
        let old = heap_move.map_or(heap_end, |begun| begun.from);
        let new = old
            .checked_add_signed(increment.cast_signed())
            .filter(|end| (heap_start..=HEAP_LIMIT).contains(end))
            .ok_or(Error::Inval)?;
        let (here, goal) = (page_up(heap_end), page_up(new));
        if heap_move.is_none() {
            if here.abs_diff(goal) / PGSIZE > MAX_PAGES {
                return Err(Error::Inval);
            }
            self.reserve(self.frames_to_grow(caller.slot, here, goal))?;
        }
        self.forget_heap_move(caller.slot);
        let next = goal.clamp(here.saturating_sub(PIECE), here.saturating_add(PIECE));
        if next > here {
            self.grow_heap(caller, here, next)?;
        } else {
            self.shrink_heap(caller, next, here);
        }
        if next == goal {
            self.envs[caller.slot].heap_end = new;
            return Ok(Outcome::Done(old));
        }
        let set_aside = self.frames_to_grow(caller.slot, next, goal);
        self.frames.set_aside(set_aside);
        let env = &mut self.envs[caller.slot];
        env.heap_end = next;
        env.progress = Progress::Moving(HeapMove {
            from: old,
            set_aside,
        });
        Ok(Outcome::Later)
    }

    /// The number of frames that may be needed to map all pages in the range: one for
    /// each page, and one for each page table that is missing.
    fn frames_to_grow(&self, slot: Slot, start: u32, end: u32) -> u32 {
        if end <= start {
            return 0;
        }
        let space = self.envs[slot].space;
        let tables = (start / PTSIZE..end.div_ceil(PTSIZE)).map(|index| index * PTSIZE);
        let missing = tables.filter(|&va| space.slot(&self.mem, va).is_none());
        (end - start) / PGSIZE + missing.count() as u32
    }

    /// Maps zeroed pages in the range, except where pages are already mapped. There
    /// must be enough frames.
    fn grow_heap(&mut self, caller: Caller, start: u32, end: u32) -> Result<(), Error> {
        let space = self.envs[caller.slot].space;
        for page in pages(start, end) {
            if !space.entry(&self.mem, page).is_present() {
                let frame = self.clean_frame(caller.cpu)?;
                self.place(caller, caller.slot, page, Pte::new(frame, Perm::WRITE))?;
            }
        }
        Ok(())
    }

    /// Unmaps the caller's pages in the range. A step can name only one page to flush,
    /// so if any page was mapped, it flushes all.
    fn shrink_heap(&mut self, caller: Caller, start: u32, end: u32) {
        for page in pages(start, end) {
            self.unmap(caller, caller.slot, page);
        }
        if self.effects.contains(Effects::FLUSH) {
            self.effects |= Effects::FLUSH_ALL;
        }
    }

    /// Ends a `sbrk` where it has got to: nothing is set aside for it any more.
    pub(crate) fn forget_heap_move(&mut self, slot: Slot) {
        if let Some(begun) = self.envs[slot].heap_move() {
            self.envs[slot].progress = Progress::None;
            self.frames.give_back(begun.set_aside);
        }
    }
}

fn pages(start: u32, end: u32) -> impl Iterator<Item = UserPage> {
    (start..end)
        .step_by(PGSIZE as usize)
        .filter_map(UserPage::new)
}

/// The start of the first page at or above `va`, which must not exceed [`HEAP_LIMIT`].
pub(crate) const fn page_up(va: u32) -> u32 {
    va.next_multiple_of(PGSIZE)
}
