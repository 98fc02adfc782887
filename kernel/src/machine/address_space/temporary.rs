//! Looking at physical memory that the direct map does not reach.
//!
//! The firmware's tables lie at the top of RAM, mostly above the direct map's
//! 256 MiB, so CPU 0 reads them through one page of the device window, which it
//! points at one frame after another. The hard thing is that the processor caches
//! translations: each change drops the old one, but on this CPU only. So only CPU 0
//! may look, and only while it boots.

use super::show;
use abi::Perm;
use abi::layout::{MMIOBASE, PGSIZE};
use core::marker::PhantomData;
use firmware::PhysBytes;

/// The page that shows one frame at a time.
const PAGE: u32 = MMIOBASE + PGSIZE;

/// All physical memory below 4 GiB, for CPU 0 while it boots.
pub struct FirmwareMemory {
    stays_here: PhantomData<*const ()>,
}

impl FirmwareMemory {
    /// Access to physical memory.
    ///
    /// # Safety
    /// There is only one of these at a time, and the device window is open.
    pub unsafe fn new() -> FirmwareMemory {
        FirmwareMemory {
            stays_here: PhantomData,
        }
    }
}

impl Drop for FirmwareMemory {
    fn drop(&mut self) {
        show(PAGE, 0);
    }
}

impl PhysBytes for FirmwareMemory {
    fn read(&self, pa: u32, out: &mut [u8]) -> bool {
        let mut pa = pa;
        let mut rest = out;
        while !rest.is_empty() {
            let offset = pa % PGSIZE;
            let len = rest.len().min((PGSIZE - offset) as usize);
            let (now, later) = rest.split_at_mut(len);
            show(PAGE, (pa - offset) | Perm::P.bits());
            // SAFETY: (4) the page is mapped, `len` bytes do not leave it, and
            // nobody writes the firmware's tables. Where there is no memory, all
            // bits read as ones.
            unsafe {
                let from = (PAGE + offset) as *const u8;
                core::ptr::copy_nonoverlapping(from, now.as_mut_ptr(), len);
            }
            rest = later;
            pa = pa.wrapping_add(len as u32);
        }
        true
    }
}
