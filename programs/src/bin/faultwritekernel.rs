//! Writes the kernel's memory.

#![no_std]
#![no_main]

use programs::attack;

user::program!(main);

fn main() {
    // SAFETY: the kernel's memory is not ours to write; the fault ends us.
    unsafe { attack::store(0xf010_0000, 0) };
}
