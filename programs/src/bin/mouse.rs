//! Turns a PS/2 mouse on and leaves: it reports, and nobody reads it.
//!
//! Needs the right to use ports: `--with type=fs:mouse`. The hard thing is the
//! acknowledgement, which the kernel may take first: it reads whatever the
//! controller interrupts for. So it is not waited for.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::mouse;
use user::println;

user::program!(main);

fn main() {
    mouse::report();
    println!("the mouse is on");
}
