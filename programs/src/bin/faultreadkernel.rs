//! Reads the kernel's memory.

#![no_std]
#![no_main]

use programs::attack;
use user::println;

user::program!(main);

fn main() {
    // SAFETY: the kernel's memory is not ours to read; the fault ends us.
    let word = unsafe { attack::load(0xf010_0000) };
    println!("I read {word:08x} from location 0xf0100000!");
}
