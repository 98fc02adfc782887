//! Rows of pages and page faults.
//!
//! The hard thing is that a page can be touched for the first time only once:
//! each batch has pages prepared, and touches each of them once.

use core::cell::Cell;

use user::{area, ipc, sys};

use programs::measure::{Partner, measure, measure_prepared, must};

const FAULTS: u32 = 128;
const COPIES: u32 = 64;

/// A write to a page that is not there, and a handler that maps it.
#[inline(never)]
pub fn fault(row: &str) {
    let unmap_all = || (0..FAULTS).for_each(|page| must(area::unmap(page)));
    must(area::map_when_touched());
    measure_prepared::<FAULTS, 1>(row, unmap_all, |page| must(area::write(page, 1)));
    unmap_all();
}

/// A write to a page that is shared with a child and copied on write.
#[inline(never)]
pub fn cow(row: &str) {
    (0..COPIES).for_each(|page| must(area::map(page)));
    let child = Cell::new(None);
    let share = || {
        child.take();
        child.set(Some(Partner::new(|| {
            must(ipc::recv());
        })));
        // Lets it begin to wait, so that it does not run any more.
        sys::yield_now();
    };
    measure_prepared::<COPIES, 1>(row, share, |page| must(area::write(page, 1)));
    child.take();
    (0..COPIES).for_each(|page| must(area::unmap(page)));
}

/// Mapping a fresh page and unmapping it.
#[inline(never)]
pub fn page(row: &str) {
    measure::<500, 1>(row, || {
        must(area::map(0));
        must(area::unmap(0));
    });
}
