//! Finding what is mapped in tables that are nearly empty.
//!
//! Marks say which parts of a table may have entries; in those too most have none. So eight
//! entries are looked at together. The hard thing is that only the lowest bit counts: the
//! entries are or-ed, whatever else the MMU may have written to them.

use super::Pte;
use crate::frames::PART;
use crate::phys::{Pfn, PhysMem};
use abi::layout::NPTENTRIES;

/// The work of going through a part of a table, as [`next_present`] counts it.
const LOOK: u32 = 2;

/// Entries that are looked at together.
pub(crate) const GROUP: u32 = 8;
const _: () = assert!(PART.is_multiple_of(GROUP));

/// The first entry of a table or directory that is present, from `index` to the end of the
/// part that this is in.
#[inline(always)]
fn first_in_part<M: PhysMem>(mem: &M, table: Pfn, mut index: u32) -> Option<u32> {
    let end = part_end(index);
    while index < end {
        if index.is_multiple_of(GROUP) && !any_in_group(mem, table, index) {
            index += GROUP;
            continue;
        }
        if Pte(mem.read(table.address() + index * 4)).is_present() {
            return Some(index);
        }
        index += 1;
    }
    None
}

/// Whether any of the entries from `index` on is present, a multiple of [`GROUP`].
#[inline(always)]
pub(crate) fn any_in_group<M: PhysMem>(mem: &M, table: Pfn, index: u32) -> bool {
    let entry = |next: u32| mem.read(table.address() + (index + next) * 4);
    Pte((0..GROUP).fold(0, |all, next| all | entry(next))).is_present()
}

/// One past the last entry of the part that `index` is in.
#[inline(always)]
const fn part_end(index: u32) -> u32 {
    (index | (PART - 1)) + 1
}

/// The first entry of a table or directory that is present, from `index` on, or
/// [`NPTENTRIES`]. `marks` are the table's. Takes [`LOOK`] from `work` for each part that it
/// goes through. Where nothing is left of that, how far it got.
#[inline(always)]
pub(crate) fn next_present<M: PhysMem>(
    mem: &M,
    marks: u32,
    table: Pfn,
    mut index: u32,
    work: &mut u32,
) -> u32 {
    while index < NPTENTRIES && *work > 0 {
        let rest = marks >> (index / PART);
        if rest & 1 == 0 {
            index = (index / PART + rest.trailing_zeros()) * PART;
            continue;
        }
        *work = work.saturating_sub(LOOK);
        match first_in_part(mem, table, index) {
            Some(found) => return found,
            None => index = part_end(index),
        }
    }
    index.min(NPTENTRIES)
}
