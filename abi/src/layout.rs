//! The memory map of every environment, drawn once.
//!
//! ```text
//!    4 GiB ------>  +------------------------------+
//!                   |                              | kernel  user
//!                   |  all physical memory from 0  |   RW     --
//!                   |  (at most 256 MiB)           |
//!  KERNBASE ----->  +------------------------------+ 0xf0000000
//!                   |  CPU 0's kernel stack        |   RW     --   KSTKSIZE
//!                   | - - - - - - - - - - - - - - -|
//!                   |  unmapped gap                |   --     --   KSTKGAP
//!                   +------------------------------+
//!                   |  CPU 1's kernel stack, gap.. |   RW     --
//!   MMIOLIM ----->  +------------------------------+ 0xefc00000
//!                   |  device registers, uncached  |   RW     --   PTSIZE
//!  ULIM, MMIOBASE>  +------------------------------+ 0xef800000
//!                   |  own page tables (UVPT)      |   R-     R-   PTSIZE
//!      UVPT ----->  +------------------------------+ 0xef400000
//!                   |  PageInfo of every frame     |   R-     R-   PTSIZE
//!     UPAGES ---->  +------------------------------+ 0xef000000
//!                   |  PublicEnv of every slot     |   R-     R-   PTSIZE
//!  UTOP, UENVS -->  +------------------------------+ 0xeec00000
//!  UXSTACKTOP       |  exception stack             |   RW     RW   PGSIZE
//!                   +------------------------------+ 0xeebff000
//!                   |  left unmapped               |   --     --   PGSIZE
//!  USTACKTOP ---->  +------------------------------+ 0xeebfe000
//!                   |  normal stack                |   RW     RW   PGSIZE
//!                   +------------------------------+ 0xeebfd000
//!                   :  heap, shared pages ...      :
//!                   |  program text and data       |
//!     UTEXT ----->  +------------------------------+ 0x00800000
//!                   |  PFTEMP, scratch             |
//!     UTEMP ----->  +------------------------------+ 0x00400000
//!                   |  stabs (USTABDATA)           | 0x00200000
//!                   +------------------------------+ 0
//! ```
//!
//! The hard thing: user programs have these addresses compiled in, so none of
//! them may ever change. Addresses are byte addresses, sizes are in bytes.

/// Bytes in a page, and in a physical frame.
pub const PGSIZE: u32 = 0x1000;
/// Base-2 logarithm of [`PGSIZE`].
pub const PGSHIFT: u32 = 12;
/// Bytes that one page table maps.
pub const PTSIZE: u32 = 0x40_0000;
/// Entries in a page table, and in a page directory.
pub const NPTENTRIES: u32 = 1024;

/// Where the direct map of physical memory begins.
pub const KERNBASE: u32 = 0xf000_0000;
/// Bytes of physical memory that the direct map can reach.
pub const DIRECT_MAP_SIZE: u32 = 0x1000_0000;
/// Top of CPU 0's kernel stack.
pub const KSTACKTOP: u32 = KERNBASE;
/// Bytes of one kernel stack.
pub const KSTKSIZE: u32 = 0x8000;
/// Bytes from one kernel stack to the next below it. Programs see nothing of them;
/// the kernel keeps two small stacks there, with unmapped pages around each.
pub const KSTKGAP: u32 = 0x8000;
/// End of the device window.
pub const MMIOLIM: u32 = KSTACKTOP - PTSIZE;
/// Start of the device window.
pub const MMIOBASE: u32 = MMIOLIM - PTSIZE;
/// Nothing at or above this is ever user accessible.
pub const ULIM: u32 = MMIOBASE;
/// The window in which an environment reads its own page tables.
pub const UVPT: u32 = ULIM - PTSIZE;
/// Within [`UVPT`]: the page directory.
pub const UVPD: u32 = UVPT + (UVPT >> PGSHIFT) * 4;
/// Read-only array of [`crate::PageInfo`], one for each frame.
pub const UPAGES: u32 = UVPT - PTSIZE;
/// Read-only array of [`crate::PublicEnv`], one for each slot.
pub const UENVS: u32 = UPAGES - PTSIZE;
/// First address that an environment may not manage.
pub const UTOP: u32 = UENVS;
/// One past the exception stack.
pub const UXSTACKTOP: u32 = UTOP;
/// One past the normal stack.
pub const USTACKTOP: u32 = UTOP - 2 * PGSIZE;
/// Where programs are linked.
pub const UTEXT: u32 = 0x80_0000;
/// Scratch for library code.
pub const UTEMP: u32 = 0x40_0000;
/// Scratch page of the copy-on-write fault handler.
pub const PFTEMP: u32 = UTEMP + PTSIZE - PGSIZE;
/// Where the kernel maps the archive that it was booted with, read-only, in the
/// environment that gets it. The address is above what lab 5's file server uses.
pub const ARCHIVE: u32 = 0xc000_0000;
/// Where debug symbols (stabs) of old toolchains land.
pub const USTABDATA: u32 = 0x20_0000;

/// Start of the hole that devices and the BIOS occupy below 1 MiB (physical).
pub const IOPHYSMEM: u32 = 0xa_0000;
/// Start of extended memory (physical).
pub const EXTPHYSMEM: u32 = 0x10_0000;
/// Where application processors start in real mode (physical).
pub const MPENTRY_PADDR: u32 = 0x7000;

/// Index into the page directory of an address.
pub const fn pdx(va: u32) -> u32 {
    va >> 22
}

/// Index into the page table of an address.
pub const fn ptx(va: u32) -> u32 {
    (va >> PGSHIFT) & (NPTENTRIES - 1)
}

/// One past the highest address of `cpu`'s kernel stack.
pub const fn kernel_stack_top(cpu: u32) -> u32 {
    KSTACKTOP - cpu * (KSTKSIZE + KSTKGAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_interface() {
        assert_eq!(MMIOLIM, 0xefc0_0000);
        assert_eq!(ULIM, 0xef80_0000);
        assert_eq!(UVPT, 0xef40_0000);
        assert_eq!(UVPD, 0xef7b_d000);
        assert_eq!(UPAGES, 0xef00_0000);
        assert_eq!(UENVS, 0xeec0_0000);
        assert_eq!(USTACKTOP, 0xeebf_e000);
        assert_eq!(PFTEMP, 0x007f_f000);
        assert_eq!(kernel_stack_top(1), 0xefff_0000);
    }
}
