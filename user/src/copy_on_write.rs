//! Pages that parent and child share until one of them writes.
//!
//! Such a page is mapped without `W` and marked `COW` in both; the first write
//! of either faults and gets a copy of its own. The kernel knows nothing of
//! it.
//!
//! The hard thing is that, page by page, the parent gives away pages that it may be writing
//! at that moment: its stack, and whatever a fault handler writes. So the
//! child's mapping comes first, and only then is it asked whether the parent
//! can still write the page:
//!
//! - it can: it loses that right now. What it wrote meanwhile the child sees,
//!   but that was below the child's `esp` or before the child's time.
//! - it cannot: then it could not between the two either, for nothing but a
//!   write makes a page writeable again; both have the same frame.
//!
//! In the other order a write in between would give the parent a copy, and the
//! child would be given that copy, still writeable for the parent.

use abi::call::FEATURE_PAGES;
use abi::layout::PGSIZE;
use abi::trap::FAULT_WRITE;
use abi::{EnvId, Error, Perm, UTrapFrame};

use crate::interface::Interface;
use crate::{own, sys, vm};

/// Scratch, for the duration of one copy: the second page of the table that
/// the stacks are in. (JOS uses a page below the program, which costs every
/// environment that writes a page table more.)
pub(crate) const SCRATCH: u32 = own::scratch(1);

/// Gives `child` the caller's page at `va`, to be copied when either writes.
///
/// # Errors
/// `Inval` if nothing is mapped there, `NoMem`. The caller may then be left
/// with a page that is copied when it writes, although nobody shares it.
///
/// # Safety
/// 1. Faults of both come to [`crate::page_fault`].
/// 2. `child` has never run, and nothing in it relies on what is at `va`.
pub(crate) unsafe fn share(child: EnvId, va: u32) -> Result<(), Error> {
    // lab: copy_on_write {
    let perm = vm::perm(va).ok_or(Error::Inval)? & Perm::SYSCALL;
    let shared = (perm - Perm::W) | Perm::COW;
    // SAFETY:
    // 1. In the child nothing relies on its memory.
    // 2. The caller keeps the page that it has, and a write to it will have
    //    the same effect as before: see `handle`.
    // 3. Neither sees what the other writes, as the head of this file argues.
    unsafe {
        sys::page_map(EnvId::NONE, va, child, va, shared)?;
        if vm::perm(va).is_some_and(|perm| perm.contains(Perm::W)) {
            sys::page_map(EnvId::NONE, va, EnvId::NONE, va, shared)?;
        }
    }
    Ok(())
    // lab: copy_on_write }
}

/// If the fault is a write to a page that is copied on write, copies the page.
/// Returns whether it was. Inlined for either upcall, as forked programs fault often.
#[inline(always)]
pub(crate) fn handle(fault: &UTrapFrame) -> bool {
    // lab: copy_on_write {
    if fault.err & FAULT_WRITE == 0 {
        return false;
    }
    let page = fault.fault_va & !(PGSIZE - 1);
    let Some(perm) = vm::perm(page).filter(|perm| perm.contains(Perm::COW)) else {
        return false;
    };
    if let Err(error) = copy(page, vm::when_copied(perm)) {
        panic!("copy on write of {page:08x}: {}", error.message());
    }
    true
    // lab: copy_on_write }
}

fn copy(page: u32, perm: Perm) -> Result<(), Error> {
    // lab: copy_on_write {
    // Known since the fork that made the page so.
    if Interface::known().offers(FEATURE_PAGES) {
        // SAFETY: the page has the contents that it had.
        return unsafe { sys::page_copy(EnvId::NONE, page, EnvId::NONE, page, perm) };
    }
    // SAFETY:
    // 1. SCRATCH is for exactly this. It is free: no fault that comes here can
    //    happen before it is unmapped, for until then only the exception stack
    //    and SCRATCH itself are written.
    // 2. The page is readable, and afterwards has the contents that it had.
    unsafe {
        sys::page_alloc(EnvId::NONE, SCRATCH, Perm::WRITE)?;
        vm::copy_page(page, SCRATCH);
        sys::page_map(EnvId::NONE, SCRATCH, EnvId::NONE, page, perm)?;
        sys::page_unmap(EnvId::NONE, SCRATCH)
    }
    // lab: copy_on_write }
}
