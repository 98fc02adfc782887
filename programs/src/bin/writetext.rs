//! Writes into the page that its text begins in. The kernel's loader lets it,
//! as JOS's does; a program that was spawned has no right to.

#![no_std]
#![no_main]

use programs::attack;
use user::abi::layout::UTEXT;
use user::println;

user::program!(main);

fn main() {
    // SAFETY: programs begin 32 bytes further on, so nothing lives there; a
    // fault ends us.
    unsafe { attack::store(UTEXT, 1) };
    println!("my text can be written");
}
