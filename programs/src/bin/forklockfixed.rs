//! As `forklock`, mended: the lock is on a page that both sides have.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::samples::fork_lock;
use user::share;

user::program!(main);

fn main() {
    let lock = &share::words(1).expect("memory to share")[0];
    fork_lock::run("forklockfixed", lock);
}
