//! As `childfirst`, mended: the parent waits until its child says that it is done.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::samples::{child_first, wait_for_child};

user::program!(main);

fn main() {
    child_first::run("childfirstfixed", || {
        wait_for_child();
    });
}
