//! Raises the page-fault vector itself, to feed the kernel a fault that never
//! happened. The kernel reserves the vector, so it is a protection fault.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::attack;

user::program!(main);

fn main() {
    attack::software_page_fault();
}
