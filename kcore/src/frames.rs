//! Physical frames: who holds how many of them, and which are free.
//!
//! Every frame has a count: its user mappings plus its roles as a page table
//! plus the kernel's own holds. At zero it is *not* free: other CPUs may still
//! have translations of it. It goes to limbo, and only [`crate::Kernel::settle`], after
//! the step's effects are done, makes it allocatable.
//!
//! The hard thing is that user space can see the counts (the public table at
//! UPAGES has 16 bits for each) and relies on them, so a frame's count never
//! exceeds what 16 bits can say: the next mapping is refused.

use crate::phys::{Pfn, PhysMem};
use abi::page_info::{MAX_REFS, PAGE_INFO_REFS, PAGE_INFO_STRIDE};
use core::ops::Range;

/// The most ranges of usable memory that are kept; more are left unused.
pub const MAX_RANGES: usize = 16;

/// What the kernel knows of one frame. All-zero is a frame never used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Holds on the frame.
    pub count: u32,
    /// Next in the free list, the limbo list or the list of dead address
    /// spaces, as frame number; 0 ends a list (frame 0 is never usable).
    pub next: u32,
}

/// No memory is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMem;

/// A last-in first-out list of frames, linked through the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct List {
    /// The first, as frame number; 0 if there is none.
    pub head: u32,
    /// The last.
    pub tail: u32,
    /// How many.
    pub len: u32,
}

/// The part of [`Frames`] that is not a table; cheap to copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FramesState {
    /// Frames that were used and given back.
    pub free: List,
    /// Frames given back in this step.
    pub limbo: List,
    /// Frames that were never used: allocation takes from the front.
    pub fresh: [(u32, u32); MAX_RANGES],
    /// How many frames are left in `fresh`.
    pub fresh_len: u32,
    /// How many frames there were at first.
    pub total: u32,
    /// Physical address of the public table.
    pub mirror: u32,
    /// For tests: how many more allocations succeed, plus one; 0 is no limit.
    pub allowance: u32,
}

/// All frames.
pub struct Frames<'t> {
    /// What is known of each, by frame number.
    pub table: &'t mut [Frame],
    /// Everything else.
    pub state: FramesState,
    /// Stands in for a frame outside the table. No page-table entry names
    /// one, so this stays untouched; the audit says so.
    pub outside: Frame,
}

impl<'t> Frames<'t> {
    /// A table whose entries are all zero. `usable` are ranges of frame numbers
    /// that may be allocated, ascending and disjoint; what lies beyond the
    /// table is left out. `mirror` is the physical address of the public table.
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
            state.fresh_len += range.1 - range.0;
        }
        state.total = state.fresh_len;
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

    /// Holds on `frame`.
    pub fn count(&self, frame: Pfn) -> u32 {
        self.table
            .get(frame.0 as usize)
            .map_or(0, |entry| entry.count)
    }

    /// Whether `frame` was given back in this step, which is not settled yet.
    /// Linear; for tests.
    pub fn in_limbo(&self, frame: Pfn) -> bool {
        self.iter_list(self.state.limbo).any(|held| held == frame)
    }

    /// How many frames can be allocated now.
    pub fn available(&self) -> u32 {
        self.state.free.len + self.state.fresh_len
    }

    /// How many frames can be allocated when nothing is in use.
    pub fn total(&self) -> u32 {
        self.state.total
    }

    /// Whether `needed` frames can be allocated now. For tests, an allowance
    /// can make this fail.
    pub(crate) fn has(&mut self, needed: u32) -> bool {
        if self.state.allowance > 0 && needed > 0 {
            if self.state.allowance == 1 {
                return false;
            }
            self.state.allowance -= 1;
        }
        self.available() >= needed
    }

    /// Takes a frame with a count of 1. Its content is whatever was there: the
    /// caller zeroes it or writes over all of it.
    pub(crate) fn alloc<M: PhysMem>(&mut self, mem: &mut M) -> Result<Pfn, NoMem> {
        let frame = match self.pop_free() {
            Some(frame) => frame,
            None => self.pop_fresh().ok_or(NoMem)?,
        };
        self.set_count(mem, frame, 1);
        Ok(frame)
    }

    fn pop_free(&mut self) -> Option<Pfn> {
        let frame = Pfn(self.state.free.head);
        if frame.0 == 0 {
            return None;
        }
        let next = core::mem::take(&mut self.entry(frame).next);
        let free = &mut self.state.free;
        free.head = next;
        free.len = free.len.wrapping_sub(1);
        if next == 0 {
            free.tail = 0;
        }
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
        self.state.fresh_len = self.state.fresh_len.wrapping_sub(1);
        Some(frame)
    }

    /// Whether a frame can take one more user mapping.
    pub(crate) fn can_map(&self, frame: Pfn) -> bool {
        self.count(frame) < MAX_REFS
    }

    /// One more hold on a frame. The caller has asked [`Frames::can_map`].
    pub(crate) fn retain<M: PhysMem>(&mut self, mem: &mut M, frame: Pfn) {
        let count = self.entry(frame).count.wrapping_add(1);
        self.set_count(mem, frame, count);
    }

    /// One hold less; at zero the frame goes to limbo.
    pub(crate) fn release<M: PhysMem>(&mut self, mem: &mut M, frame: Pfn) {
        let count = self.entry(frame).count.wrapping_sub(1);
        self.set_count(mem, frame, count);
        if count == 0 {
            let mut limbo = self.state.limbo;
            self.push(&mut limbo, frame);
            self.state.limbo = limbo;
        }
    }

    /// One hold less on a frame that no CPU can have a translation of: at zero
    /// it is free at once. Says whether it is.
    #[inline(always)]
    pub(crate) fn release_unseen<M: PhysMem>(&mut self, mem: &mut M, frame: Pfn) -> bool {
        let count = self.entry(frame).count.wrapping_sub(1);
        self.set_count(mem, frame, count);
        if count == 0 {
            self.push_free(frame);
        }
        count == 0
    }

    /// Frees what is in limbo. Call it when the step's effects are done. Returns
    /// what that was: the beginning of the free list.
    pub(crate) fn settle(&mut self) -> List {
        let limbo = core::mem::take(&mut self.state.limbo);
        if limbo.head == 0 {
            return limbo;
        }
        let free = self.state.free;
        self.entry(Pfn(limbo.tail)).next = free.head;
        self.state.free = List {
            head: limbo.head,
            tail: if free.head == 0 {
                limbo.tail
            } else {
                free.tail
            },
            len: free.len.wrapping_add(limbo.len),
        };
        limbo
    }

    fn push_free(&mut self, frame: Pfn) {
        let mut free = self.state.free;
        self.push(&mut free, frame);
        self.state.free = free;
    }

    /// Puts a frame at the head of a list.
    pub(crate) fn push(&mut self, list: &mut List, frame: Pfn) {
        self.entry(frame).next = list.head;
        if list.head == 0 {
            list.tail = frame.0;
        }
        list.head = frame.0;
        list.len = list.len.wrapping_add(1);
    }

    fn set_count<M: PhysMem>(&mut self, mem: &mut M, frame: Pfn, count: u32) {
        self.entry(frame).count = count;
        mem.write(
            self.state.mirror + frame.0 * PAGE_INFO_STRIDE + PAGE_INFO_REFS,
            count,
        );
    }

    /// Frame numbers in a list, in order; bounded by the table.
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

    /// Memory that forgets: the counts are what is tested here.
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
        assert_eq!(frames.alloc(&mut Void), Err(NoMem));
        frames.release(&mut Void, first);
        frames.release(&mut Void, second);
        assert_eq!(frames.alloc(&mut Void), Err(NoMem));
        frames.settle();
        assert_eq!(frames.available(), 2);
        assert!(frames.alloc(&mut Void).is_ok());
        assert!(frames.alloc(&mut Void).is_ok());
        assert_eq!(frames.alloc(&mut Void), Err(NoMem));
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
