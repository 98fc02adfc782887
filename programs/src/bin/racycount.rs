//! A data race: two environments add to a counter without a lock.
//!
//! Reading and writing are two steps, and what the other writes in between is
//! overwritten. `racycountfixed` is the mended twin.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;
use core::sync::atomic::Ordering::Relaxed;

use programs::samples::racy_count;

user::program!(main);

fn main() {
    racy_count::run("racycount", |count| {
        // Else the compiler might add by one instruction, which is rarely torn apart.
        let seen = black_box(count.load(Relaxed));
        count.store(seen + 1, Relaxed);
    });
}
