//! As `ring`, mended: the store is done before anything else is looked at.
//!
//! On x86 it is an `xchg`, which empties the store buffer.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::SeqCst;

use programs::samples::ring;

user::program!(main);

fn main() {
    ring::run("ringfixed", |word, value| word.store(value, SeqCst));
}
