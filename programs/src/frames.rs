//! How much memory is free, from the public table of frames.
//!
//! The hard thing is that the dead give theirs back a few tables at a time, while
//! others run: who counts too early, before or after, finds some missing or too many.

use core::mem::offset_of;

use user::abi::PageInfo;
use user::abi::layout::{PGSIZE, UPAGES, UVPT};
use user::abi::page_info::PAGE_INFO_STRIDE;
use user::{sys, vm};

use crate::attack;

/// Turns without a change after which nobody dead has anything left: in each, the
/// kernel takes a piece of an address space, and one piece in four has something.
const STILL: u32 = 32;

/// Frames that nobody has.
fn free() -> u32 {
    let entries = vm::mapped(UPAGES..UVPT).flat_map(|page| {
        let places = page..page + PGSIZE;
        places.step_by(PAGE_INFO_STRIDE as usize)
    });
    let refs = |entry| entry + offset_of!(PageInfo, refs) as u32;
    // SAFETY: a word of the table, which all may read.
    let is_free = |&entry: &u32| unsafe { attack::load(refs(entry)) } & 0xffff == 0;
    entries.filter(is_free).count() as u32
}

/// The same, once the dead have given back theirs. Whoever still lives must leave memory
/// alone meanwhile.
pub fn settled() -> u32 {
    let (mut count, mut turns) = (free(), 0);
    while turns < STILL {
        sys::yield_now();
        let now = free();
        turns = if now == count { turns + 1 } else { 0 };
        count = now;
    }
    count
}
