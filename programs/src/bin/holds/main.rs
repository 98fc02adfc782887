//! How long one entry to the kernel can last. `holds GROUP...` makes the worst cases
//! that are known and prints for each
//!
//! ```text
//! hold ROW N
//! ```
//!
//! in ticks, which an emulator that counts instructions makes executed instructions.
//! The kernel's lock is held for most of them: besides the entry, N contains the way
//! in and out and the few instructions of programs in between.
//!
//! The hard thing is a call that is made in pieces. Between its caller's two readings
//! of the counter lie many entries. So another program takes the readings: it yields
//! again and again, and notes the longest time until it goes on ([`gap::longest`]).
//! One CPU only, or others' time is not in there.

#![no_std]
#![no_main]

mod calls;
mod crowds;
mod ends;
mod gap;
mod pieces;

use user::interface::Interface;
use user::println;

user::program!(main);

fn main() {
    // Has the library use the best entry from the first row on.
    Interface::get();
    user::args().skip(1).for_each(|group| match group {
        "calls" => calls::all(),
        "pieces" => pieces::all(),
        "crowds" => crowds::all(),
        "ends" => ends::all(),
        _ => println!("holds: no group is named {group}"),
    });
}
