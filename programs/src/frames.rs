//! How much memory is free, from the public table of frames.
//!
//! The hard thing is that the dead give theirs back a few tables at a time, while
//! others run: to know whether all is back takes patience.

use core::mem::offset_of;

use user::abi::PageInfo;
use user::abi::layout::{PGSIZE, UPAGES, UVPT};
use user::abi::page_info::PAGE_INFO_STRIDE;
use user::{sys, vm};

use crate::attack;

/// Turns that others get before what is not back counts as lost.
const PATIENCE: u32 = 20_000;

/// Frames that nobody has.
pub fn free() -> u32 {
    let entries = vm::mapped(UPAGES..UVPT).flat_map(|page| {
        let places = page..page + PGSIZE;
        places.step_by(PAGE_INFO_STRIDE as usize)
    });
    let refs = |entry| entry + offset_of!(PageInfo, refs) as u32;
    // SAFETY: a word of the table, which all may read.
    let is_free = |&entry: &u32| unsafe { attack::load(refs(entry)) } & 0xffff == 0;
    entries.filter(is_free).count() as u32
}

/// Lets others run until so many frames are free. The number that is missing in
/// the end, negative if there are more.
pub fn missing(before: u32) -> i32 {
    let missing = || before.wrapping_sub(free()).cast_signed();
    for _ in 0..PATIENCE {
        if missing() == 0 {
            break;
        }
        sys::yield_now();
    }
    missing()
}
