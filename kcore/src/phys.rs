//! Physical memory, by value.
//!
//! The one way in which the core touches memory that others touch too: user
//! programs on other CPUs write to user frames, the MMU writes accessed and
//! dirty bits to page tables. So nobody ever holds a Rust reference there;
//! words and bytes are copied in and out.
//!
//! The hard thing is [`PhysMem::read_bytes`]: it is the only method through
//! which bytes that user space wrote (or a boot module holds) become visible to
//! the core, which is what makes a run replayable: log these bytes and every
//! decision of the kernel can be recomputed.

use abi::layout::PGSHIFT;

/// Number of a physical frame of 4,096 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Pfn(pub u32);

impl Pfn {
    /// The frame that holds physical address `pa`.
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
/// An implementation need not check them: the core passes only addresses of
/// frames in its table, of the mirrors, and of boot modules.
pub trait PhysMem {
    /// The aligned word at `pa`.
    fn read(&self, pa: u32) -> u32;
    /// Stores an aligned word; other CPUs may be reading it.
    fn write(&mut self, pa: u32, value: u32);
    /// Fills a frame with zeroes.
    fn zero_frame(&mut self, frame: Pfn);
    /// Copies bytes whose writer is not the kernel, into `out`.
    fn read_bytes(&mut self, pa: u32, out: &mut [u8]);
    /// Stores bytes.
    fn write_bytes(&mut self, pa: u32, bytes: &[u8]);
    /// Copies `len` bytes, unseen by the core. The ranges do not overlap.
    fn copy_bytes(&mut self, to: u32, from: u32, len: u32);
}
