//! Physical frames: how often each is held, and which are free.
//!
//! A frame's count is the number of its user mappings, of its uses as a page table,
//! and of the kernel's own holds. At zero the frame is *not* free yet, because other
//! CPUs may still have translations of it. It goes to limbo, and only
//! [`crate::Kernel::settle`], after the step's effects, makes it allocatable.
//!
//! The hard thing is that programs see the counts, in the public table at UPAGES,
//! and rely on them. That table has 16 bits for each, so a mapping that would exceed
//! them is refused.

use crate::phys::{Pfn, PhysMem};
use abi::Error;
use abi::layout::NPTENTRIES;
use abi::page_info::{MAX_REFS, PAGE_INFO_REFS, PAGE_INFO_STRIDE};
use core::ops::Range;

/// Entries of a page table that have one mark.
pub const PART: u32 = NPTENTRIES / u32::BITS;

/// The kernel uses at most this many ranges of memory, and ignores further ones.
pub const MAX_RANGES: usize = 16;

/// What the kernel knows of one frame. All-zero is a frame that was never used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The number of holds on the frame.
    pub count: u32,
    /// The next frame in the free list, in limbo, or in a list of dead address spaces.
    /// 0 ends a list, because frame 0 is never usable. While the frame is a page table or
    /// the directory of a living environment, which are in no list: [`Frames::marks`].
    pub next: u32,
}

/// A last-in first-out list of frames, linked through the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct List {
    /// The first frame; 0 if there is none.
    pub head: u32,
    /// The number of frames.
    pub len: u32,
}

/// The part of [`Frames`] that is not a table; cheap to copy into a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FramesState {
    /// Frames that were used and released, and may contain anything.
    pub free: List,
    /// Free frames that contain only zeroes: page tables of the dead, which the reaper has
    /// emptied.
    pub zeroed: List,
    /// Free page directories of the dead. The program's half of each is empty, and the kernel's
    /// is as in any other but for the entry at UVPT.
    pub directories: List,
    /// Frames released in this step.
    pub limbo: List,
    /// The last of these, to link the free list to; 0 if there is none.
    pub limbo_tail: u32,
    /// Ranges of frames that were never used; allocation takes from their front.
    pub fresh: [(u32, u32); MAX_RANGES],
    /// The number of frames in `fresh`, `zeroed` and `directories`.
    pub rest_len: u32,
    /// How many of the free frames are set aside for calls that have begun.
    pub set_aside: u32,
    /// The number of frames that programs can have.
    pub total: u32,
    /// Physical address of the public table at UPAGES.
    pub mirror: u32,
    /// For tests: the number of reservations that still succeed, plus one; 0 means no
    /// limit.
    pub allowance: u32,
}

/// The table of frames, and their lists.
pub struct Frames<'t> {
    /// One entry for each frame, by number.
    pub table: &'t mut [Frame],
    /// Where free frames are found.
    pub state: FramesState,
    /// Stands in for a frame outside the table. No page-table entry names such a
    /// frame, so this never changes; the audit checks that.
    pub outside: Frame,
}

impl<'t> Frames<'t> {
    /// `table` must be all zero. `usable` are the ranges of frame numbers that may be
    /// allocated, ascending and disjoint; frames beyond the table are ignored.
    /// `mirror` is the physical address of the public table.
    pub fn new(
        table: &'t mut [Frame],
        mirror: u32,
        usable: impl Iterator<Item = Range<u32>>,
    ) -> Frames<'t> {
        let mut state = FramesState {
            mirror,
            ..FramesState::default()
        };
        let end = table.len() as u32;
        let clipped = usable
            .map(|range| (range.start.max(1), range.end.min(end)))
            .filter(|range| range.0 < range.1);
        for (place, range) in state.fresh.iter_mut().zip(clipped) {
            *place = range;
            state.rest_len += range.1 - range.0;
        }
        state.total = state.rest_len;
        Frames {
            table,
            state,
            outside: Frame::default(),
        }
    }

    pub(crate) fn entry(&mut self, frame: Pfn) -> &mut Frame {
        self.table
            .get_mut(frame.0 as usize)
            .unwrap_or(&mut self.outside)
    }

    /// Which parts of a page table or directory may have entries of the program's, a bit
    /// for each [`PART`] of them; the others have none. Most are nearly empty, and whoever
    /// goes through one need not look at all of it.
    pub fn marks(&self, table: Pfn) -> u32 {
        self.table
            .get(table.0 as usize)
            .map_or(0, |entry| entry.next)
    }

    /// Marks the part of a page table or directory that the entry at physical address
    /// `slot` is in.
    #[inline(always)]
    pub(crate) fn mark(&mut self, slot: u32) {
        let part = slot / 4 % NPTENTRIES / PART;
        self.entry(Pfn::containing(slot)).next |= 1 << part;
    }

    /// Leaves a page table, which nobody will use again, only these marks.
    pub(crate) fn set_marks(&mut self, table: Pfn, marks: u32) {
        self.entry(table).next = marks;
    }

    /// The number of holds on `frame`.
    pub fn count(&self, frame: Pfn) -> u32 {
        self.table
            .get(frame.0 as usize)
            .map_or(0, |entry| entry.count)
    }

    /// Whether `frame` is in limbo. Takes linear time; for tests.
    pub fn in_limbo(&self, frame: Pfn) -> bool {
        self.iter_list(self.state.limbo).any(|held| held == frame)
    }

    /// The free frames in which the kernel counts on what they contain; for tests.
    pub fn known(&self) -> impl Iterator<Item = Pfn> + '_ {
        let lists = [self.state.zeroed, self.state.directories];
        lists.into_iter().flat_map(|list| self.iter_list(list))
    }

    /// The number of frames that can be allocated now, without those that are set
    /// aside.
    pub fn available(&self) -> u32 {
        let free = self.state.free.len.wrapping_add(self.state.rest_len);
        free.wrapping_sub(self.state.set_aside)
    }

    /// Sets free frames aside for a call that will take them in later steps; so many
    /// must be available.
    pub(crate) fn set_aside(&mut self, frames: u32) {
        self.state.set_aside = self.state.set_aside.wrapping_add(frames);
    }

    /// Makes frames available that were set aside.
    pub(crate) fn give_back(&mut self, frames: u32) {
        self.state.set_aside = self.state.set_aside.wrapping_sub(frames);
    }

    /// The number of frames that programs can have.
    pub fn total(&self) -> u32 {
        self.state.total
    }

    /// Whether `needed` frames can be allocated now. A test can make this fail.
    #[inline(always)]
    pub(crate) fn has(&mut self, needed: u32) -> bool {
        self.available() >= needed && (self.state.allowance == 0 || self.is_allowed())
    }

    /// Counts a reservation, and returns whether a test lets it succeed.
    #[cold]
    fn is_allowed(&mut self) -> bool {
        let left = self.state.allowance - 1;
        self.state.allowance = left.max(1);
        left > 0
    }

    /// Takes a free frame and sets its count to 1. It may hold old secrets: the caller
    /// must overwrite all of it.
    pub(crate) fn alloc<M: PhysMem>(&mut self, mem: &mut M) -> Result<Pfn, Error> {
        let frame = match self.pop(|state| &mut state.free) {
            Some(frame) => frame,
            None => self.pop_rest().ok_or(Error::NoMem)?,
        };
        self.set_count(mem, frame, 1);
        Ok(frame)
    }

    /// As [`Frames::alloc`], but it contains zeroes.
    pub(crate) fn alloc_zeroed<M: PhysMem>(&mut self, mem: &mut M) -> Result<Pfn, Error> {
        if let Some(frame) = self.pop_zeroed() {
            self.set_count(mem, frame, 1);
            return Ok(frame);
        }
        let frame = self.alloc(mem)?;
        mem.zero_frame(frame);
        Ok(frame)
    }

    /// As [`Frames::alloc`], but it is a page directory of the dead, as
    /// [`FramesState::directories`] has it; `None` if there is none.
    pub(crate) fn alloc_directory<M: PhysMem>(&mut self, mem: &mut M) -> Option<Pfn> {
        let frame = self.pop_directory()?;
        self.set_count(mem, frame, 1);
        Some(frame)
    }

    /// As [`Frames::alloc`], for the kernel itself: there is one frame less from now on.
    pub(crate) fn take_for_ever<M: PhysMem>(&mut self, mem: &mut M) -> Result<Pfn, Error> {
        let frame = self.alloc(mem)?;
        self.state.total = self.state.total.wrapping_sub(1);
        Ok(frame)
    }

    fn pop_zeroed(&mut self) -> Option<Pfn> {
        let frame = self.pop(|state| &mut state.zeroed)?;
        self.state.rest_len = self.state.rest_len.wrapping_sub(1);
        Some(frame)
    }

    fn pop_directory(&mut self) -> Option<Pfn> {
        let frame = self.pop(|state| &mut state.directories)?;
        self.state.rest_len = self.state.rest_len.wrapping_sub(1);
        Some(frame)
    }

    /// Takes a free frame that is good for more than others, if there are no others.
    #[cold]
    fn pop_rest(&mut self) -> Option<Pfn> {
        self.pop_fresh()
            .or_else(|| self.pop_zeroed())
            .or_else(|| self.pop_directory())
    }

    /// Takes the first frame out of a list.
    #[inline(always)]
    fn pop(&mut self, list: impl Fn(&mut FramesState) -> &mut List) -> Option<Pfn> {
        let frame = Pfn(list(&mut self.state).head);
        if frame.0 == 0 {
            return None;
        }
        let next = core::mem::take(&mut self.entry(frame).next);
        let list = list(&mut self.state);
        list.head = next;
        list.len = list.len.wrapping_sub(1);
        Some(frame)
    }

    fn pop_fresh(&mut self) -> Option<Pfn> {
        let range = self
            .state
            .fresh
            .iter_mut()
            .find(|range| range.0 < range.1)?;
        let frame = Pfn(range.0);
        range.0 += 1;
        self.state.rest_len = self.state.rest_len.wrapping_sub(1);
        Some(frame)
    }

    /// Whether the public count of a frame has room for one more mapping.
    pub(crate) fn can_map(&self, frame: Pfn) -> bool {
        self.count(frame) < MAX_REFS
    }

    /// Adds a hold on a frame; [`Frames::can_map`] must allow it.
    pub(crate) fn retain<M: PhysMem>(&mut self, mem: &mut M, frame: Pfn) {
        let count = self.entry(frame).count.wrapping_add(1);
        self.set_count(mem, frame, count);
    }

    /// [`Frames::retain`] if [`Frames::can_map`] allows it; returns whether.
    #[inline(always)]
    pub(crate) fn retain_if_possible<M: PhysMem>(&mut self, mem: &mut M, frame: Pfn) -> bool {
        let count = self.entry(frame).count;
        if count < MAX_REFS {
            self.set_count(mem, frame, count.wrapping_add(1));
        }
        count < MAX_REFS
    }

    /// Drops a hold on a frame, which goes to limbo at zero.
    pub(crate) fn release<M: PhysMem>(&mut self, mem: &mut M, frame: Pfn) {
        let count = self.entry(frame).count.wrapping_sub(1);
        self.set_count(mem, frame, count);
        if count == 0 {
            if self.state.limbo.head == 0 {
                self.state.limbo_tail = frame.0;
            }
            self.state.limbo = self.push(self.state.limbo, frame);
        }
    }

    /// Drops a hold on a frame of which no CPU can have a translation, so that it is
    /// free at once at zero. Returns whether it is free.
    #[inline(always)]
    pub(crate) fn release_unseen<M: PhysMem>(&mut self, mem: &mut M, frame: Pfn) -> bool {
        let count = self.entry(frame).count.wrapping_sub(1);
        self.set_count(mem, frame, count);
        if count == 0 {
            self.state.free = self.push(self.state.free, frame);
        }
        count == 0
    }

    /// As [`Frames::release_unseen`], of a page table that is empty now.
    pub(crate) fn release_empty_table<M: PhysMem>(&mut self, mem: &mut M, table: Pfn) {
        self.set_count(mem, table, 0);
        self.state.zeroed = self.push(self.state.zeroed, table);
        self.state.rest_len = self.state.rest_len.wrapping_add(1);
    }

    /// As [`Frames::release_unseen`], of a page directory whose program's half is empty now.
    pub(crate) fn release_empty_directory<M: PhysMem>(&mut self, mem: &mut M, directory: Pfn) {
        self.set_count(mem, directory, 0);
        self.state.directories = self.push(self.state.directories, directory);
        self.state.rest_len = self.state.rest_len.wrapping_add(1);
    }

    /// Frees the frames in limbo, once the step's effects are done. Returns their list,
    /// which now begins the free list.
    pub(crate) fn settle(&mut self) -> List {
        let limbo = core::mem::take(&mut self.state.limbo);
        if limbo.head == 0 {
            return limbo;
        }
        let tail = core::mem::take(&mut self.state.limbo_tail);
        self.entry(Pfn(tail)).next = self.state.free.head;
        self.state.free.head = limbo.head;
        self.state.free.len = self.state.free.len.wrapping_add(limbo.len);
        limbo
    }

    /// Returns `list` with `frame` added at its head.
    pub(crate) fn push(&mut self, list: List, frame: Pfn) -> List {
        self.entry(frame).next = list.head;
        List {
            head: frame.0,
            len: list.len.wrapping_add(1),
        }
    }

    fn set_count<M: PhysMem>(&mut self, mem: &mut M, frame: Pfn, count: u32) {
        self.entry(frame).count = count;
        mem.write(
            self.state.mirror + frame.0 * PAGE_INFO_STRIDE + PAGE_INFO_REFS,
            count,
        );
    }

    /// The frames in a list, in order. The walk ends even if the links form a circle.
    pub fn iter_list(&self, list: List) -> impl Iterator<Item = Pfn> + '_ {
        let mut next = list.head;
        let mut left = self.table.len() + 1;
        core::iter::from_fn(move || {
            if next == 0 || left == 0 {
                return None;
            }
            left -= 1;
            let frame = Pfn(next);
            next = self.table.get(next as usize).map_or(0, |entry| entry.next);
            Some(frame)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory that keeps nothing: these tests look at counts only.
    struct Void;

    impl PhysMem for Void {
        fn read(&self, _pa: u32) -> u32 {
            0
        }
        fn write(&mut self, _pa: u32, _value: u32) {}
        fn zero_frame(&mut self, _frame: Pfn) {}
        fn read_bytes(&mut self, _pa: u32, _out: &mut [u8]) {}
        fn write_bytes(&mut self, _pa: u32, _bytes: &[u8]) {}
        fn copy_bytes(&mut self, _to: u32, _from: u32, _len: u32) {}
    }

    #[test]
    fn a_released_frame_is_free_only_after_settling() {
        let mut table = [Frame::default(); 8];
        let mut frames = Frames::new(&mut table, 0, core::iter::once(2..4));
        assert_eq!(frames.available(), 2);
        let first = frames.alloc(&mut Void).unwrap();
        let second = frames.alloc(&mut Void).unwrap();
        assert_eq!((first, second), (Pfn(2), Pfn(3)));
        assert_eq!(frames.alloc(&mut Void), Err(Error::NoMem));
        frames.release(&mut Void, first);
        frames.release(&mut Void, second);
        assert_eq!(frames.alloc(&mut Void), Err(Error::NoMem));
        frames.settle();
        assert_eq!(frames.available(), 2);
        assert!(frames.alloc(&mut Void).is_ok());
        assert!(frames.alloc(&mut Void).is_ok());
        assert_eq!(frames.alloc(&mut Void), Err(Error::NoMem));
    }

    #[test]
    fn ranges_outside_the_table_and_frame_zero_are_left_out() {
        let mut table = [Frame::default(); 8];
        let frames = Frames::new(&mut table, 0, [0..2, 5..5, 7..90].into_iter());
        assert_eq!(frames.available(), 2);
    }

    #[test]
    fn a_full_count_refuses_another_mapping() {
        let mut table = [Frame::default(); 4];
        let mut frames = Frames::new(&mut table, 0, core::iter::once(1..2));
        let frame = frames.alloc(&mut Void).unwrap();
        while frames.can_map(frame) {
            frames.retain(&mut Void, frame);
        }
        assert_eq!(frames.count(frame), 65_535);
    }
}
