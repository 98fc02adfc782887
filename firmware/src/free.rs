//! RAM that nobody has yet, while the kernel boots.
//!
//! From the mapped RAM, what is in use is taken out; then tables are carved, and
//! the core gets the rest. The hard thing is that ranges can be cut into more
//! pieces than a set can hold: what is forgotten then must be counted, once.

use abi::layout::{MPENTRY_PADDR, PGSIZE};
use arrayvec::ArrayVec;
use core::ops::Range;

use crate::handover::Module;
use crate::ranges::MAX_RANGES;
use crate::{PhysRange, RangeSet};

/// Frames below this are not carved: low memory is left for what may ever need it.
const LOW_FRAMES: u32 = 256;

/// Mapped RAM that is not in use.
pub struct FreeMemory {
    ranges: RangeSet,
    /// Bytes that `mapped` had forgotten already.
    forgotten_before: u64,
    frames: u32,
}

/// There is not enough memory in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

impl FreeMemory {
    /// The RAM in `mapped`, without page 0, the page where other CPUs begin, the
    /// kernel, and the modules.
    pub fn new(mapped: RangeSet, kernel: PhysRange, modules: &[Module<'_>]) -> FreeMemory {
        let page = u64::from(PGSIZE);
        let end = mapped.iter().last().map_or(0, |range| range.end);
        let mut free = FreeMemory {
            forgotten_before: mapped.lost(),
            ranges: mapped,
            frames: (end / page) as u32,
        };
        free.ranges.remove(PhysRange::with_len(0, page));
        free.ranges
            .remove(PhysRange::with_len(MPENTRY_PADDR.into(), page));
        free.ranges.remove(kernel);
        // Only whole frames are of use: the rest of a module's last frame would be a
        // piece of its own.
        for module in modules {
            free.ranges.remove(PhysRange {
                start: module.file.start / page * page,
                end: module.file.end.next_multiple_of(page),
            });
        }
        free
    }

    /// The numbers of all frames that may exist are below this.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Takes whole frames for `bytes` bytes; physical addresses.
    pub fn carve(&mut self, bytes: u32) -> Result<Range<u32>, NoMemory> {
        let pages = bytes.div_ceil(PGSIZE);
        let frames = self.ranges.iter().map(|range| range.whole_frames());
        let start = frames
            .filter(|frames| frames.start >= LOW_FRAMES)
            .find(|frames| frames.end - frames.start >= pages)
            .ok_or(NoMemory)?
            .start;
        let range = start * PGSIZE..(start + pages) * PGSIZE;
        self.ranges.remove(PhysRange {
            start: range.start.into(),
            end: range.end.into(),
        });
        Ok(range)
    }

    /// What is left, as ranges of frame numbers.
    pub fn whole_frames(&self) -> ArrayVec<Range<u32>, MAX_RANGES> {
        self.ranges
            .iter()
            .map(|range| range.whole_frames())
            .collect()
    }

    /// Bytes that were forgotten since [`FreeMemory::new`], for want of room in the set.
    pub fn forgotten(&self) -> u64 {
        self.ranges.lost() - self.forgotten_before
    }
}
