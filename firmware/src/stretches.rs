//! Which RAM the kernel's direct map shows, and how.
//!
//! The map is made of stretches of 4 MiB, one for each page-directory entry. The
//! hard thing is that a large page must not cover what is not RAM. So only a
//! stretch that is RAM throughout becomes a large page; a mixed one needs a page
//! table, and of these the kernel has a fixed number.

use abi::layout::{DIRECT_MAP_SIZE, PTSIZE};

use crate::phys::FOUR_GIB;
use crate::{PhysRange, RangeSet};

/// How the stretch at `pa` must be mapped. The first one always needs a table: it
/// has the kernel's code in it, which is mapped read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// No RAM, so nothing is mapped.
    Empty,
    /// RAM throughout: a large page.
    Whole,
    /// Anything else: a page table.
    Mixed,
}

/// The stretches of the direct map, by physical address.
pub fn all(ram: &RangeSet) -> impl Iterator<Item = (u32, Stretch)> + Clone {
    (0..DIRECT_MAP_SIZE).step_by(PTSIZE as usize).map(|pa| {
        let stretch = match ram.total_in(at(pa)) as u32 {
            0 => Stretch::Empty,
            PTSIZE if pa > 0 => Stretch::Whole,
            _ => Stretch::Mixed,
        };
        (pa, stretch)
    })
}

/// Takes out of `ram` what the direct map cannot show: what lies beyond its window,
/// and all but `tables` of the mixed stretches. Those with least RAM go first, but
/// never one that the kernel lies in.
pub fn limit(ram: &mut RangeSet, tables: usize, kernel: PhysRange) {
    ram.remove(PhysRange {
        start: DIRECT_MAP_SIZE.into(),
        end: FOUR_GIB,
    });
    loop {
        let mixed = all(ram).filter(|&(_, stretch)| stretch == Stretch::Mixed);
        let mixed = mixed.map(|(pa, _)| at(pa));
        if mixed.clone().count() <= tables {
            return;
        }
        let others = mixed.filter(|range| range.end <= kernel.start || kernel.end <= range.start);
        let Some(smallest) = others.min_by_key(|&range| ram.total_in(range)) else {
            return;
        };
        ram.remove(smallest);
    }
}

fn at(pa: u32) -> PhysRange {
    PhysRange::with_len(pa.into(), PTSIZE.into())
}
