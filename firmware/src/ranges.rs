//! Sets of physical address ranges, without a heap.
//!
//! The hard thing: the ranges of a memory map may come unsorted, overlapping
//! and in any number, while the set has room for a fixed number. A set that
//! overflows forgets memory, it never invents any, and it forgets what is smallest:
//! the worst that a strange map can do is to leave crumbs of RAM unused, and
//! [`RangeSet::lost`] says how much.

use arrayvec::ArrayVec;

use crate::phys::FOUR_GIB;

/// How many separate ranges a [`RangeSet`] can hold. Firmware reports about
/// ten; the E820 interface of real machines stays below 128 entries, most of
/// them not RAM.
pub const MAX_RANGES: usize = 64;

/// Physical byte addresses from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysRange {
    /// First byte.
    pub start: u64,
    /// One past the last byte; at most 4 GiB in a [`RangeSet`].
    pub end: u64,
}

impl PhysRange {
    /// The `len` bytes at `start`; what would wrap round is cut off.
    pub fn with_len(start: u64, len: u64) -> PhysRange {
        PhysRange {
            start,
            end: start.saturating_add(len),
        }
    }

    /// Number of bytes; zero if the range is inverted.
    pub fn len(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether there is no byte in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of the 4 KiB frames that lie wholly inside.
    pub fn whole_frames(&self) -> core::ops::Range<u32> {
        // Both ends fit: addresses below 2^44 have 32-bit frame numbers, and
        // the minimum makes that so for a range that no set has clipped.
        let end = self.end.min(FOUR_GIB);
        let first = self.start.min(FOUR_GIB).div_ceil(0x1000) as u32;
        first..((end / 0x1000) as u32).max(first)
    }
}

/// A set of byte addresses below 4 GiB, as sorted ranges that neither overlap
/// nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeSet {
    ranges: ArrayVec<PhysRange, MAX_RANGES>,
    lost: u64,
}

impl RangeSet {
    /// The empty set.
    pub fn new() -> RangeSet {
        RangeSet::default()
    }

    /// The ranges, by ascending address.
    pub fn iter(&self) -> impl Iterator<Item = PhysRange> + '_ {
        self.ranges.iter().copied()
    }

    /// Bytes that were forgotten because there were too many ranges.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Number of bytes in the set.
    pub fn total(&self) -> u64 {
        self.iter().map(|range| range.len()).sum()
    }

    /// Number of bytes of the set that lie in `range`.
    pub fn total_in(&self, range: PhysRange) -> u64 {
        let inside = |part: PhysRange| PhysRange {
            start: part.start.max(range.start),
            end: part.end.min(range.end),
        };
        self.iter().map(|part| inside(part).len()).sum()
    }

    /// Whether the address `pa` is in the set.
    pub fn contains(&self, pa: u64) -> bool {
        self.iter().any(|range| range.start <= pa && pa < range.end)
    }

    /// Adds the part of `range` that lies below 4 GiB.
    pub fn insert(&mut self, range: PhysRange) {
        let mut merged = clip(range);
        if merged.is_empty() {
            return;
        }
        let old = core::mem::take(&mut self.ranges);
        let mut placed = false;
        for range in old {
            if range.end < merged.start {
                self.append(range);
            } else if range.start <= merged.end {
                merged.start = merged.start.min(range.start);
                merged.end = merged.end.max(range.end);
            } else {
                if !placed {
                    self.append(merged);
                    placed = true;
                }
                self.append(range);
            }
        }
        if !placed {
            self.append(merged);
        }
    }

    /// Takes every address of `range` out of the set.
    pub fn remove(&mut self, range: PhysRange) {
        let gone = clip(range);
        if gone.is_empty() {
            return;
        }
        for range in core::mem::take(&mut self.ranges) {
            self.append(PhysRange {
                start: range.start,
                end: range.end.min(gone.start),
            });
            self.append(PhysRange {
                start: range.start.max(gone.end),
                end: range.end,
            });
        }
    }

    /// Appends a range that lies above all others, if it is not empty. If there
    /// are too many, the smallest of all is forgotten.
    fn append(&mut self, range: PhysRange) {
        if range.is_empty() {
            return;
        }
        let Err(overflow) = self.ranges.try_push(range) else {
            return;
        };
        let range = overflow.element();
        let sizes = self.ranges.iter().map(PhysRange::len);
        let (index, smallest) = sizes
            .enumerate()
            .min_by_key(|&(_, len)| len)
            .unwrap_or_default();
        let forgotten = smallest.min(range.len());
        if smallest < range.len() {
            self.ranges.remove(index);
            self.ranges.push(range);
        }
        self.lost = self.lost.saturating_add(forgotten);
    }
}

/// The part of `range` below 4 GiB.
fn clip(range: PhysRange) -> PhysRange {
    PhysRange {
        start: range.start.min(FOUR_GIB),
        end: range.end.min(FOUR_GIB),
    }
}
