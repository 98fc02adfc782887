//! Physical memory, by value.
//!
//! The core shares this memory with others: user programs on other CPUs write to
//! user frames, and the MMU sets accessed and dirty bits in page tables. So the
//! core never holds a Rust reference to it, but copies words and bytes in and out.
//!
//! The hard thing is [`PhysMem::read_bytes`]. The core sees bytes that user space
//! wrote (or a boot module holds) only through this method. That makes a run
//! replayable: from a log of these bytes every decision of the kernel can be
//! recomputed.

use abi::layout::PGSHIFT;

/// Number of a physical frame of 4,096 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Pfn(pub u32);

impl Pfn {
    /// The frame that contains the physical address `pa`.
    #[inline]
    pub const fn containing(pa: u32) -> Pfn {
        Pfn(pa >> PGSHIFT)
    }

    /// Physical address of the frame's first byte.
    #[inline]
    pub const fn address(self) -> u32 {
        self.0 << PGSHIFT
    }
}

/// Access to physical memory. Addresses are physical byte addresses.
///
/// An implementation need not check them: the core passes only addresses in frames
/// of its table, in the mirrors, in saved x87 registers and in boot modules.
pub trait PhysMem {
    /// Loads the aligned word at `pa`.
    fn read(&self, pa: u32) -> u32;
    /// Stores an aligned word; other CPUs may be reading it.
    fn write(&mut self, pa: u32, value: u32);
    /// Fills a frame with zeroes.
    fn zero_frame(&mut self, frame: Pfn);
    /// Copies bytes that something other than the kernel wrote to `out`.
    fn read_bytes(&mut self, pa: u32, out: &mut [u8]);
    /// Stores bytes, which may straddle words.
    fn write_bytes(&mut self, pa: u32, bytes: &[u8]);
    /// Copies `len` bytes without showing them to the core. The ranges do not overlap.
    fn copy_bytes(&mut self, to: u32, from: u32, len: u32);
}
