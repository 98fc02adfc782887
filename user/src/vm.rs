//! One's own page tables, which the kernel maps read-only.
//!
//! `uvpt[n]` is the entry of virtual page `n`, `uvpd[i]` the entry `i` of the
//! directory. The hard thing: `uvpt` faults where the directory has no table,
//! so the directory is always asked first. As in [`crate::env`] every word is
//! one volatile read.
//!
//! Nothing is remembered of what is mapped, because a parent may map pages
//! here at any time. Looking it up is made cheap instead: [`mapped`] takes
//! little more than one instruction for each entry of the tables that exist.

use core::arch::asm;
use core::ops::Range;

use abi::layout::{NPTENTRIES, PGSHIFT, PGSIZE, UVPD, UVPT, pdx};
use abi::{EnvId, Error, Perm};

use crate::{own, sys};

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

/// The rights of a copy of a page with the rights `perm`: a copy-on-write page
/// has been copied by then and may be written.
pub(crate) fn when_copied(perm: Perm) -> Perm {
    let perm = perm & Perm::SYSCALL;
    if perm.contains(Perm::COW) {
        (perm - Perm::COW) | Perm::W
    } else {
        perm
    }
}

/// Addresses of the pages in `range` that are mapped, in ascending order.
/// Steps over tables that do not exist, and over empty stretches of the others
/// in strides.
pub fn mapped(range: Range<u32>) -> impl Iterator<Item = u32> {
    let mut next = range.start >> PGSHIFT;
    let end = range.end.div_ceil(PGSIZE);
    core::iter::from_fn(move || {
        while next < end {
            let table = next / NPTENTRIES;
            if directory_entry(next << PGSHIFT) & Perm::P.bits() == 0 {
                // SAFETY: the directory is there, and ends with its 1024
                // entries, as `end` does.
                next =
                    NPTENTRIES * unsafe { next_present(UVPD, table + 1, end.div_ceil(NPTENTRIES)) };
                continue;
            }
            let table_end = end.min((table + 1) * NPTENTRIES);
            // SAFETY: the table is there.
            let page = unsafe { next_present(UVPT, next, table_end) };
            next = table_end.min(page + 1);
            if page < table_end {
                return Some(page << PGSHIFT);
            }
        }
        None
    })
}

/// Addresses of the pages that this program's text and data occupy.
pub fn program() -> impl Iterator<Item = u32> {
    mapped(abi::layout::UTEXT..program_end())
}

/// One past the last byte of this program's data.
pub(crate) fn program_end() -> u32 {
    unsafe extern "C" {
        /// One past the program; given by the linker script.
        safe static end: u8;
    }
    &raw const end as u32
}

/// Maps a fresh page of zeros at `va`, where nothing is mapped. The tables that
/// stacks are in are refused: a page there could let one stack grow into
/// another, or into pages that the library maps and unmaps. Threads do not see each
/// other's pages of this kind.
///
/// # Errors
/// `Inval` if something is mapped there, or `va` is not a page's address or
/// not the caller's to manage; `NoMem`.
pub fn allocate(va: u32) -> Result<(), Error> {
    if va >= own::STACKS || own::THREAD_STACKS.contains(&va) || perm(va).is_some() {
        return Err(Error::Inval);
    }
    // SAFETY: nobody can rely on what is mapped there: nothing is, and no stack
    // can come there.
    unsafe { sys::page_alloc(EnvId::NONE, va, Perm::WRITE) }
}

/// Copies a page of bytes from `from` to the page at `to`.
///
/// In assembly, because the source may be the stack that is in use and data
/// that others refer to: it is read as the machine sees it.
///
/// # Safety
/// A page's bytes are readable from `from` on and writeable from `to` on, and no Rust
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

/// The first of the entries `index..end` of `window` that is present; if none
/// is, `end`, or `index` if that is more.
///
/// # Safety
/// `window` is [`UVPD`] or [`UVPT`], and the tables that the entries are in
/// exist.
unsafe fn next_present(window: u32, index: u32, end: u32) -> u32 {
    // SAFETY: as the caller says, for entries before `end`.
    let present = |&index: &u32| unsafe { read(window + index * 4) & Perm::P.bits() != 0 };
    let mut stride = index.next_multiple_of(STRIDE);
    if let Some(found) = (index..end.min(stride)).find(present) {
        return found;
    }
    // SAFETY: likewise.
    while stride + STRIDE <= end && !unsafe { any_present(window + stride * 4) } {
        stride += STRIDE;
    }
    (stride..end).find(present).unwrap_or(end.max(index))
}

/// Entries that [`any_present`] looks at together: many, because address
/// spaces are nearly empty.
const STRIDE: u32 = 32;

/// Whether any of [`STRIDE`] entries from `address` on is present.
///
/// # Safety
/// As [`read`], for all of them.
#[inline(always)]
unsafe fn any_present(address: u32) -> bool {
    let mut any = 0;
    for entry in 0..STRIDE {
        // SAFETY: the caller's.
        any |= unsafe { read(address + entry * 4) };
    }
    any & Perm::P.bits() != 0
}

/// # Safety
/// `address` is an aligned word of the window at [`UVPT`] whose table exists.
unsafe fn read(address: u32) -> u32 {
    // SAFETY: the window is mapped and readable wherever the tables exist, and
    // no Rust object lives there.
    unsafe { core::ptr::with_exposed_provenance::<u32>(address as usize).read_volatile() }
}
