//! Writes address 0, where nothing is mapped.

#![no_std]
#![no_main]

use programs::attack;

user::program!(main);

fn main() {
    // SAFETY: nothing is mapped there; the fault ends us.
    unsafe { attack::store(0, 0) };
}
