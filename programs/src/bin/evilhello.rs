//! Tries to have the kernel print its own entry code.

#![no_std]
#![no_main]

use programs::attack;

user::program!(main);

fn main() {
    // SAFETY: the kernel's memory is not ours to read; the kernel ends us.
    unsafe { attack::cputs(0xf010_000c, 100) };
}
