//! Reads address 0, where nothing is mapped.

#![no_std]
#![no_main]

use programs::attack;
use user::println;

user::program!(main);

fn main() {
    // SAFETY: nothing is mapped there; the fault ends us.
    let word = unsafe { attack::load(0) };
    println!("I read {word:08x} from location 0!");
}
