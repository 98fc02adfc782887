//! Handles a page fault by telling about it and ending.

#![no_std]
#![no_main]

use programs::attack;
use user::abi::UTrapFrame;
use user::{page_fault, println};

user::program!(main);

fn main() {
    // SAFETY: the handler works with integers only.
    unsafe { page_fault::set_handler(tell_and_end) }.expect("set_handler");
    // SAFETY: nothing is mapped there, and the handler ends us.
    unsafe { attack::store(0xdead_beef, 0) };
}

fn tell_and_end(fault: &UTrapFrame) {
    println!(
        "i faulted at va {:x}, err {:x}",
        fault.fault_va,
        fault.err & 7
    );
    user::exit();
}
