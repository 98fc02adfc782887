//! Loads the task state's selector as its data segment.

#![no_std]
#![no_main]

use programs::attack;

user::program!(main);

fn main() {
    // SAFETY: a system segment cannot be loaded; the fault ends us.
    unsafe { attack::load_data_segment(0x28) };
}
