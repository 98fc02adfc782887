//! Physical memory as the core reaches it: through the direct map.
//!
//! The hard thing is what this memory is: user programs on other CPUs write it
//! while we read, and the MMU sets bits in page tables. So there is no Rust
//! reference to it anywhere, and no plain read: words go through volatile
//! accesses, blocks through string instructions that the compiler cannot see
//! into. Addresses are those of frames in the core's table, of the public tables,
//! of saved x87 registers and of boot modules, all of them direct-mapped RAM.

use crate::logs;
use abi::layout::{KERNBASE, PGSIZE};
use core::arch::asm;
use kcore::{Pfn, PhysMem};

/// All of direct-mapped RAM. Only the core has one.
pub struct DirectMap(());

impl DirectMap {
    /// Access to RAM.
    ///
    /// # Safety
    /// Its user passes only addresses of RAM that the direct map covers, and
    /// writes only frames that hold no Rust object.
    pub const unsafe fn new() -> DirectMap {
        DirectMap(())
    }
}

#[inline(always)]
fn pointer(pa: u32) -> *mut u8 {
    KERNBASE.wrapping_add(pa) as *mut u8
}

/// Copies bytes: whole words first, then the rest.
///
/// # Safety
/// `from` is readable and `to` writeable for `len` bytes.
#[inline(always)]
unsafe fn copy(to: *mut u8, from: *const u8, len: u32) {
    // SAFETY: (35) the caller's promise; the direction flag is clear everywhere in
    // the kernel. The compiler reserves esi and may have put `from` there: the
    // exchange is right either way.
    unsafe {
        asm!(
            "xchg esi, {from}",
            "rep movsd",
            "mov ecx, edx",
            "rep movsb",
            "xchg esi, {from}",
            from = inout(reg) from => _,
            inout("ecx") len / 4 => _,
            in("edx") len % 4,
            inout("edi") to => _,
            options(nostack, preserves_flags),
        );
    }
}

/// Clears the frame that the core has set aside for this CPU, as
/// [`kcore::Outbox::clear`] names it. The lock may be free.
#[inline(always)]
pub fn clear(own: Pfn) {
    // SAFETY: (110) a step of this CPU named it, and only another one gives it away: no
    // program and no other CPU reaches it. Else as in `write`.
    unsafe { zero(own) };
}

/// Fills a frame with zeroes.
///
/// # Safety
/// It is RAM that the direct map covers, holds no Rust object, and nobody counts on what
/// it contains.
#[inline(always)]
unsafe fn zero(frame: Pfn) {
    // SAFETY: (109) the caller's promise; the direction flag is clear everywhere in the
    // kernel.
    unsafe {
        asm!(
            "rep stosd",
            inout("ecx") PGSIZE / 4 => _,
            inout("edi") pointer(frame.address()) => _,
            in("eax") 0,
            options(nostack, preserves_flags),
        );
    }
}

impl PhysMem for DirectMap {
    #[inline(always)]
    fn read(&self, pa: u32) -> u32 {
        // SAFETY: (36) direct-mapped RAM, by the promise made to `new`.
        unsafe { pointer(pa).cast::<u32>().read_volatile() }
    }

    #[inline(always)]
    fn write(&mut self, pa: u32, value: u32) {
        // SAFETY: (37) as in `read`, and no Rust object is there.
        unsafe { pointer(pa).cast::<u32>().write_volatile(value) }
    }

    fn zero_frame(&mut self, frame: Pfn) {
        // SAFETY: (38) as in `write`, for the whole frame.
        unsafe { zero(frame) };
    }

    fn read_bytes(&mut self, pa: u32, out: &mut [u8]) {
        // SAFETY: (39) `from` as in `read`; `out` is ours alone.
        unsafe { copy(out.as_mut_ptr(), pointer(pa), out.len() as u32) };
        if logs::are_open() {
            logs::note_read(pa, out);
        }
    }

    fn write_bytes(&mut self, pa: u32, bytes: &[u8]) {
        // SAFETY: (40) `to` as in `write`; `bytes` are readable.
        unsafe { copy(pointer(pa), bytes.as_ptr(), bytes.len() as u32) };
    }

    fn copy_bytes(&mut self, to: u32, from: u32, len: u32) {
        // SAFETY: (41) as in `read` and `write`.
        unsafe { copy(pointer(to), pointer(from), len) };
    }
}
