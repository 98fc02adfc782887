//! Prints from a good pointer, but far beyond what is mapped. Not even the
//! good part may appear.

#![no_std]
#![no_main]

use programs::attack;

user::program!(main);

static HELLO: &str = "hello, world\n";

fn main() {
    // SAFETY: our memory ends before that; the kernel ends us.
    unsafe { attack::cputs(HELLO.as_ptr() as u32, 1024 * 1024) };
}
