//! An order violation: a parent takes it that its child is done after a few yields.
//!
//! `spin` takes it so too, but nothing depends on it there. `childfirstfixed` is the
//! mended twin.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::samples::child_first;
use user::sys;

/// Surely enough?
const YIELDS: u32 = 2;

user::program!(main);

fn main() {
    child_first::run("childfirst", || {
        for _ in 0..YIELDS {
            sys::yield_now();
        }
    });
}
