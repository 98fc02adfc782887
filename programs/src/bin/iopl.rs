//! Whoever has I/O privilege keeps it, and whoever has not gets none, whichever
//! way it was in the kernel. To see both, `--with type=fs:iopl`.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::selectors::{by_int, by_sysenter, flags};
use user::{println, sys};

const IOPL: u32 = 0x3000;

user::program!(main);

fn main() {
    let before = flags() & IOPL;
    by_int();
    let int = flags() & IOPL;
    by_sysenter();
    let sysenter = flags() & IOPL;
    // By whichever way, and with others in between.
    for _ in 0..100 {
        sys::yield_now();
    }
    let switched = flags() & IOPL;
    println!("iopl {before:04x}, int {int:04x}, sysenter {sysenter:04x}, switched {switched:04x}");
}
