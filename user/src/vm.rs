//! One's own page tables, which the kernel maps read-only.
//!
//! `uvpt[n]` is the entry of virtual page `n`, `uvpd[i]` the entry `i` of the
//! directory. The hard thing: `uvpt` faults where the directory has no table,
//! so the directory is always asked first. As in [`crate::env`] every word is
//! one volatile read.

use core::arch::asm;
use core::ops::Range;

use abi::Perm;
use abi::layout::{PGSHIFT, PGSIZE, PTSIZE, UVPD, UVPT, pdx};

/// Entry of the page directory for `va`.
pub fn directory_entry(va: u32) -> u32 {
    // SAFETY: see `read`; the index is below 1024.
    unsafe { read(UVPD + pdx(va) * 4) }
}

/// Entry of the page table for `va`; 0 if there is no table.
pub fn page_entry(va: u32) -> u32 {
    if directory_entry(va) & Perm::P.bits() == 0 {
        return 0;
    }
    // SAFETY: see `read`; the table is there, and only we can take away its
    // last page, or our parent before we first run.
    unsafe { read(UVPT + (va >> PGSHIFT) * 4) }
}

/// Rights of the page at `va`, with its accessed and dirty bits, if one is
/// mapped for the user.
pub fn perm(va: u32) -> Option<Perm> {
    let perm = Perm::from_bits_truncate(page_entry(va) & (PGSIZE - 1));
    perm.contains(Perm::READ).then_some(perm)
}

/// Addresses of the pages in `range` that are mapped, in ascending order.
/// Steps over tables that do not exist.
pub fn mapped(range: Range<u32>) -> impl Iterator<Item = u32> {
    let mut next = range.start & !(PGSIZE - 1);
    core::iter::from_fn(move || {
        while next < range.end {
            let va = next;
            if directory_entry(va) & Perm::P.bits() == 0 {
                next = (va & !(PTSIZE - 1)).checked_add(PTSIZE)?;
                continue;
            }
            next = va.checked_add(PGSIZE)?;
            if perm(va).is_some() {
                return Some(va);
            }
        }
        None
    })
}

/// Addresses of the pages that this program's text and data occupy.
pub fn program() -> impl Iterator<Item = u32> {
    unsafe extern "C" {
        /// One past the program; given by the linker script.
        safe static end: u8;
    }
    mapped(abi::layout::UTEXT..&raw const end as u32)
}

/// Copies the page at `from` to the page at `to`.
///
/// In assembly, because the source may be the stack that is in use and data
/// that others refer to: it is read as the machine sees it.
///
/// # Safety
/// Both are page addresses, `from` is readable, `to` is writeable, and no Rust
/// object lives at `to`.
pub unsafe fn copy_page(from: u32, to: u32) {
    // SAFETY:
    // 1. Memory is the caller's obligation.
    // 2. esi, which cannot be an operand, is restored; the stack pointer too.
    unsafe {
        asm!(
            "push esi",
            "mov esi, {from}",
            "rep movsd",
            "pop esi",
            from = in(reg) from,
            inout("edi") to => _,
            inout("ecx") PGSIZE / 4 => _,
        );
    }
}

/// # Safety
/// `address` is an aligned word of the window at [`UVPT`] whose table exists.
unsafe fn read(address: u32) -> u32 {
    // SAFETY: the window is mapped and readable wherever the tables exist, and
    // no Rust object lives there.
    unsafe { core::ptr::with_exposed_provenance::<u32>(address as usize).read_volatile() }
}
