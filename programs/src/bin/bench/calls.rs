//! Rows of single calls: what it costs to come in and go out, and to change to
//! another environment.
//!
//! The hard thing is that the two entries are to be compared, so these rows do
//! not leave the choice to the library.

use user::entry::Entry;
use user::interface::Interface;
use user::sys;

use programs::measure::{Partner, measure};

/// A call that only returns a word.
#[inline(never)]
pub fn null<E: Entry + Copy>(row: &str, entry: E) {
    measure::<1000, 1>(row, || {
        sys::getenvid_by(entry);
    });
}

/// A yield with nobody to yield to.
#[inline(never)]
pub fn yield1<E: Entry + Copy>(row: &str, entry: E) {
    let interface = Interface::get();
    measure::<500, 1>(row, || sys::yield_by(entry, interface));
}

/// One switch of environments: half of a yield to somebody who yields back.
/// Means something on one CPU only.
#[inline(never)]
pub fn switch<E: Entry + Copy>(row: &str, entry: E) {
    let interface = Interface::get();
    let _partner = Partner::new(|| sys::yield_by(entry, interface));
    measure::<500, 2>(row, || sys::yield_by(entry, interface));
}
