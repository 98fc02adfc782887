//! Computes for two seconds of the machine's time and asks the kernel for no
//! more than that time, and only now and then.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;
use user::{println, sys};

const MILLISECONDS: u32 = 2000;
/// Turns between two looks at the clock.
const TURNS: u32 = 100_000;

user::program!(main);

fn main() {
    println!("busy");
    match busy() {
        Ok(()) => println!("busy no more"),
        Err(error) => panic!("{}", error.message()),
    }
}

fn busy() -> Result<(), user::Error> {
    let start = sys::time_msec()?;
    while sys::time_msec()?.wrapping_sub(start) < MILLISECONDS {
        for turn in 0..TURNS {
            black_box(turn);
        }
    }
    Ok(())
}
