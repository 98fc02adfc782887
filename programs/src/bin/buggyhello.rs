//! Prints from a pointer to nowhere.

#![no_std]
#![no_main]

use programs::attack;

user::program!(main);

fn main() {
    // SAFETY: nothing is mapped there; the kernel ends us.
    unsafe { attack::cputs(1, 1) };
}
