//! What an interpreted processor needs from the machine around it.
//!
//! The interpreter knows virtual addresses only. The machine translates them, with
//! a TLB as hostile as it likes, and owns physical memory. The hard thing is the
//! order of the two: an instruction that reads and writes one place asks for the
//! translation once, with the intent to write, so that it faults before it has
//! changed anything.

/// What an access is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read data.
    Read,
    /// To write data, or to read what the same instruction then writes.
    Write,
    /// To execute.
    Fetch,
}

/// A translation that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageFault {
    /// The address whose access faulted (CR2).
    pub va: u32,
    /// The error code, as the processor pushes it (Intel SDM volume 3, 4.7).
    pub error: u32,
}

/// The machine, as one of its processors sees it.
///
/// Physical addresses that `translate` gave are used for accesses that stay within
/// their page; nothing else is. The processor is in ring 3 all the time.
pub trait Bus {
    /// Physical address of `va`.
    fn translate(&mut self, va: u32, access: Access) -> Result<u32, PageFault>;
    /// The same, if the machine can tell without any work. Whatever it does not tell is
    /// asked for again with [`Bus::translate`].
    fn remembered(&self, va: u32, access: Access) -> Option<u32> {
        let _ = (va, access);
        None
    }

    /// The byte at `pa`.
    fn read8(&mut self, pa: u32) -> u8;
    /// The same, of code: it is decoded, perhaps long before it is executed.
    fn code8(&mut self, pa: u32) -> u8 {
        self.read8(pa)
    }
    /// The two bytes at `pa`, little-endian, aligned or not.
    fn read16(&mut self, pa: u32) -> u16;
    /// The four bytes at `pa`, little-endian, aligned or not.
    fn read32(&mut self, pa: u32) -> u32;
    /// Stores a byte.
    fn write8(&mut self, pa: u32, value: u8);
    /// Stores two bytes.
    fn write16(&mut self, pa: u32, value: u16);
    /// Stores four bytes.
    fn write32(&mut self, pa: u32, value: u32);

    /// A number that has changed if anything in the frame at `pa` was written since,
    /// by whomever. Decoded instructions are kept as long as it stays the same.
    fn version(&self, pa: u32) -> u64;

    /// Makes everything that this processor has stored visible to the others. Locked
    /// instructions, `mfence` and `cpuid` begin with it.
    fn fence(&mut self);

    /// The time stamp counter.
    fn time_stamp(&mut self) -> u64;

    /// Reads a port; `size` is 1, 2 or 4 bytes.
    fn port_in(&mut self, port: u16, size: u32) -> u32;
    /// Writes a port; `size` is 1, 2 or 4 bytes.
    fn port_out(&mut self, port: u16, size: u32, value: u32);
}
