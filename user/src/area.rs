//! A range of addresses at which there is nothing: pages to map, unmap and
//! write at will, for programs that watch what happens then.
//!
//! The hard thing is that this is safe. No reference into the range is ever
//! given out and no Rust object lives there, so nobody relies on what is or is
//! not mapped. A write where nothing is mapped is a page fault like any other.
//!
//! The range is one page table's, which nothing else uses. Children made by
//! [`crate::fork()`] have their own pages there.
//!
//! [`map_when_touched`] is the one fault handler that a program without `unsafe`
//! can have.

use abi::layout::{NPTENTRIES, PGSIZE};
use abi::{EnvId, Error, Perm, UTrapFrame};

use crate::{page_fault, sys};

/// Where it begins: far from the program, from [`crate::share`] and from what
/// the libraries of labs 5 and 6 use.
const BASE: u32 = 0xa000_0000;
/// Pages in it.
pub const PAGES: u32 = NPTENTRIES;

/// Maps a fresh page of zeros as page `index`, instead of what was there.
///
/// # Errors
/// `Inval` if there is no such page; `NoMem`.
#[inline]
pub fn map(index: u32) -> Result<(), Error> {
    let va = address(index)?;
    // SAFETY: nobody relies on what is mapped in the range.
    unsafe { sys::page_alloc(EnvId::NONE, va, Perm::WRITE) }
}

/// Unmaps page `index`, if it is mapped.
///
/// # Errors
/// `Inval` if there is no such page.
#[inline]
pub fn unmap(index: u32) -> Result<(), Error> {
    let va = address(index)?;
    // SAFETY: nobody relies on what is mapped in the range.
    unsafe { sys::page_unmap(EnvId::NONE, va) }
}

/// Writes the first word of page `index`.
///
/// # Errors
/// `Inval` if there is no such page.
#[inline]
pub fn write(index: u32, word: u32) -> Result<(), Error> {
    let va = address(index)?;
    // SAFETY: no Rust object lives there; what happens if nothing is mapped is
    // not of Rust's making.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(va as usize).write_volatile(word) };
    Ok(())
}

/// From now on a fresh page of zeros is mapped wherever a write of this program
/// meets none in the range. Replaces the program's fault handler: a fault
/// anywhere else is a panic.
///
/// # Errors
/// `NoMem`; `Inval` from a kernel that has no upcalls.
pub fn map_when_touched() -> Result<(), Error> {
    fn handle(fault: &UTrapFrame) {
        let page = index_of(fault.fault_va).ok_or(Error::Inval);
        if let Err(error) = page.and_then(map) {
            give_up(fault.fault_va, error);
        }
    }
    // SAFETY: nothing here works with floating-point numbers or 64-bit atomics,
    // and neither do messages of this library.
    unsafe { page_fault::set_handler(handle) }
}

/// Apart from the handler, so that the usual way through that is short.
#[cold]
#[inline(never)]
fn give_up(va: u32, error: Error) -> ! {
    panic!("fault at {va:08x}: {}", error.message())
}

/// Which page `va` is in.
fn index_of(va: u32) -> Option<u32> {
    let index = va.checked_sub(BASE)? / PGSIZE;
    (index < PAGES).then_some(index)
}

#[inline(always)]
fn address(index: u32) -> Result<u32, Error> {
    if index < PAGES {
        Ok(BASE + index * PGSIZE)
    } else {
        Err(Error::Inval)
    }
}
