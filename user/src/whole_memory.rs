//! All of this environment's memory for a child, in one call.
//!
//! The same as [`crate::fork()`] does page by page, said as rules for
//! [`sys::page_ranges`]: which pages, and with which permissions.
//!
//! The hard thing is the list itself. It lies on the stack, and the kernel writes
//! to it, so the page that it is in must stay writeable: that page is copied, and
//! the list must not straddle two.

use abi::layout::{PGSIZE, UTOP};
use abi::{EnvId, Error, PageRange, Perm};

use crate::page_fault::EXCEPTION_STACK;
use crate::sys;

/// Pages that parent and child must not see each other's writes to: they have one of
/// these permissions,
const PRIVATE: u16 = bits(Perm::W.union(Perm::COW));
/// but not this one.
const COMMON: u16 = bits(Perm::SHARE);

/// A list of four, within one page.
#[repr(C, align(256))]
struct List([PageRange; 4]);
const _: () = assert!(size_of::<List>() == align_of::<List>());

/// Gives `child` all of the caller's memory, private pages to be copied when either
/// writes them. The child gets an exception stack of its own.
///
/// # Errors
/// `NoMem`. The caller may then be left with pages that are copied when it writes,
/// although nobody shares them.
///
/// # Safety
/// 1. Faults of both come to [`crate::page_fault`].
/// 2. `child` has never run.
pub(crate) unsafe fn share(child: EnvId) -> Result<(), Error> {
    let mut list = List([PageRange::default(); 4]);
    let here = &raw const list as u32 & !(PGSIZE - 1);
    let below = PageRange {
        action: PageRange::SHARE | PageRange::BOTH | PageRange::REST,
        any: PRIVATE,
        none: COMMON,
        clear: bits(Perm::W),
        set: bits(Perm::COW),
        ..pages(child, 0, here)
    };
    let above = PageRange {
        source_va: here + PGSIZE,
        target_va: here + PGSIZE,
        pages: EXCEPTION_STACK.saturating_sub(here + PGSIZE) / PGSIZE,
        ..below
    };
    let stack = PageRange {
        action: PageRange::COPY,
        clear: bits(Perm::COW),
        set: bits(Perm::W),
        ..pages(child, here, here + PGSIZE)
    };
    let exception_stack = PageRange {
        action: PageRange::ALLOC,
        set: bits(Perm::WRITE),
        ..pages(child, EXCEPTION_STACK.max(here + PGSIZE), UTOP)
    };
    list.0 = [below, above, stack, exception_stack];
    // SAFETY:
    // 1. In the child nothing relies on its memory.
    // 2. The caller keeps the pages that it has, and a write to one will have the
    //    same effect as before: see `copy_on_write::handle`.
    // 3. Neither sees what the other writes, but for pages marked as shared.
    // 4. The list is in a page that is only copied.
    unsafe { sys::page_ranges(&mut list.0) }
}

/// Gives `child` a copy of all of the caller's private pages, and the others
/// themselves.
///
/// # Errors
/// `NoMem`.
///
/// # Safety
/// `child` has never run.
pub(crate) unsafe fn copy(child: EnvId) -> Result<(), Error> {
    let all = pages(child, 0, UTOP);
    let private = PageRange {
        action: PageRange::COPY,
        any: PRIVATE,
        none: COMMON,
        clear: bits(Perm::COW),
        set: bits(Perm::W),
        ..all
    };
    let unwritten = PageRange {
        none: PRIVATE,
        ..all
    };
    let common = PageRange { any: COMMON, ..all };
    // SAFETY: in the child nothing relies on its memory, and no mapping of the
    // caller changes.
    unsafe { sys::page_ranges(&mut [private, unwritten, common]) }
}

/// The caller's pages in `start..end`, to be shared with `child` as they are.
fn pages(child: EnvId, start: u32, end: u32) -> PageRange {
    PageRange {
        source_va: start,
        target: child,
        target_va: start,
        pages: (end - start) / PGSIZE,
        ..PageRange::default()
    }
}

/// Permissions, as an entry of a list has them.
const fn bits(perm: Perm) -> u16 {
    perm.bits() as u16
}
