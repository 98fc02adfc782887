//! A spin lock that `fork` copies: each side locks its own.
//!
//! The lock is an ordinary static, on a page that is copied when it is written.
//! `forklockfixed` is the mended twin.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::AtomicU32;

use programs::samples::fork_lock;

static LOCK: AtomicU32 = AtomicU32::new(0);

user::program!(main);

fn main() {
    fork_lock::run("forklock", &LOCK);
}
