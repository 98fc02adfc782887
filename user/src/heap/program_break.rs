//! Where the heap ends, and how it gets further.
//!
//! Where the kernel has `sbrk`, it knows; elsewhere, pages are mapped one by
//! one, and the end is kept here.
//!
//! The hard thing is the first time, because a child has the break of its
//! parent, which may have been another program and shorter than this one. So
//! a break below this program's end is raised to there first, and never goes
//! back: below is the program.

use abi::call::FEATURE_SBRK;
use abi::layout::PGSIZE;
use abi::{EnvId, Error};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::interface::Interface;
use crate::{own, sys, vm};

/// The most pages that one call of `sbrk` maps.
const PAGES_AT_ONCE: u32 = 1024;
/// No heap reaches further: the limit of `sbrk`.
const LIMIT: u32 = 0x8000_0000 - PGSIZE;

/// Where the pages begin that are mapped and not yet the heap's; 0 if there were never any.
static RESERVED: AtomicU32 = AtomicU32::new(0);
/// How many bytes of them there are.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// Provides so many fresh pages after what there is. Returns where they begin.
///
/// # Errors
/// `NoMem`, or `Inval` if the addresses are used up; then nothing has changed. `NoMem` also if
/// there are threads, and what was mapped for them is used up: nobody else would see more.
pub fn grow(pages: u32) -> Result<u32, Error> {
    let size = pages.checked_mul(PGSIZE).ok_or(Error::Inval)?;
    let left = LEFT.load(Relaxed);
    if left == 0 && !own::is_shared() {
        return map(size);
    }
    if size > left {
        if own::is_shared() {
            return Err(Error::NoMem);
        }
        map(size - left)?;
    }
    let start = RESERVED.load(Relaxed);
    RESERVED.store(start.wrapping_add(size), Relaxed);
    LEFT.store(left.saturating_sub(size), Relaxed);
    Ok(start)
}

/// Has at least so many bytes mapped for [`grow`] to provide, while there are no threads.
///
/// # Errors
/// As for [`grow`].
pub(crate) fn reserve(bytes: u32) -> Result<(), Error> {
    let left = LEFT.load(Relaxed);
    let size = bytes.checked_next_multiple_of(PGSIZE).ok_or(Error::Inval)?;
    if size > left {
        let start = map(size - left)?;
        if left == 0 {
            RESERVED.store(start, Relaxed);
        }
        LEFT.store(size, Relaxed);
    }
    Ok(())
}

/// Maps so many bytes, whole pages, after what there is. Returns where they begin.
fn map(size: u32) -> Result<u32, Error> {
    if Interface::get().offers(FEATURE_SBRK) {
        move_break(size)
    } else {
        map_pages(size)
    }
}

/// The address of the first page after the program.
fn least() -> u32 {
    vm::program_end().next_multiple_of(PGSIZE)
}

fn move_break(size: u32) -> Result<u32, Error> {
    let found = sbrk(0)?;
    let start = found.next_multiple_of(PGSIZE).max(least());
    raise(start - found)?;
    let raised = raise(size);
    if raised.is_err() {
        let too_far = sbrk(0)? - start;
        sbrk(-(too_far as i32))?;
    }
    raised.map(|()| start)
}

/// Moves the break; never to below `least`.
fn sbrk(increment: i32) -> Result<u32, Error> {
    // SAFETY: what is above the program is the heap's, and the heap is told of
    // it only when it is there to stay.
    unsafe { sys::sbrk(increment) }
}

/// Moves the break up.
fn raise(mut by: u32) -> Result<(), Error> {
    while by > 0 {
        let step = by.min(PAGES_AT_ONCE * PGSIZE);
        sbrk(step as i32)?;
        by -= step;
    }
    Ok(())
}

/// Where the heap ends, once it has begun.
static END: AtomicU32 = AtomicU32::new(0);

fn map_pages(size: u32) -> Result<u32, Error> {
    let start = END.load(Relaxed).max(least());
    let end = start.checked_add(size).filter(|&end| end <= LIMIT);
    let end = end.ok_or(Error::Inval)?;
    for va in (start..end).step_by(PGSIZE as usize) {
        if let Err(error) = vm::allocate(va) {
            for va in (start..va).step_by(PGSIZE as usize) {
                // SAFETY: mapped just now, and nobody was told.
                unsafe { sys::page_unmap(EnvId::NONE, va)? };
            }
            return Err(error);
        }
    }
    END.store(end, Relaxed);
    Ok(start)
}
