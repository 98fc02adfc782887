//! Stops at a breakpoint: the kernel's monitor may let it go on.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::attack;

user::program!(main);

fn main() {
    attack::breakpoint();
}
