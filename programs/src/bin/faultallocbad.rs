//! As `faultalloc`, but lets the kernel read the string: it does not enter the
//! handler of a program for its own accesses.

#![no_std]
#![no_main]

use programs::{attack, demand};
use user::page_fault;

user::program!(main);

fn main() {
    // SAFETY: the handler works with integers only.
    unsafe { page_fault::set_handler(demand::fault_in) }.expect("set_handler");
    // SAFETY: nothing is mapped there; the kernel ends us.
    unsafe { attack::cputs(0xdead_beef, 4) };
}
