//! The files that the system was booted with, as one piece of memory.
//!
//! The kernel maps a boot module here, read-only, in the environment that it
//! is for. The hard thing is its length, which nobody says: the archive ends
//! where nothing is mapped any more, and its last page ends in zeros. Its format
//! is not this library's affair.

use abi::Perm;
use abi::layout::{ARCHIVE, PGSIZE, UTOP};

use crate::vm;

/// The archive; empty if this environment has none.
pub fn bytes() -> &'static [u8] {
    let places = (ARCHIVE..UTOP).step_by(PGSIZE as usize);
    let pages = vm::mapped(ARCHIVE..UTOP)
        .zip(places)
        .take_while(|&(page, place)| page == place && is_constant(page))
        .count();
    let start = core::ptr::with_exposed_provenance(ARCHIVE as usize);
    // SAFETY:
    // 1. So many pages from there on are mapped and readable. To unmap one is
    //    `unsafe`: the caller has to know that nobody relies on it.
    // 2. Nobody writes them: we cannot, and any other environment that has them
    //    has them from us, with no more rights.
    unsafe { core::slice::from_raw_parts(start, pages * PGSIZE as usize) }
}

/// Whether nobody can write the page.
fn is_constant(page: u32) -> bool {
    vm::perm(page).is_some_and(|perm| !perm.intersects(Perm::W | Perm::COW | Perm::SHARE))
}
