//! An x87 exception that is pending hurts nobody but its owner, and that one
//! only when it takes it, however many environments use the unit meanwhile.

#![no_std]
#![no_main]

use core::sync::atomic::Ordering::SeqCst;

use programs::fpu::{Registers, Unit};
use user::env::Env;
use user::{EnvStatus, Error, Fork, fork, println, share, sys};

const NEIGHBOURS: u32 = 4;
const ROUNDS: u32 = 500;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    // SAFETY: only integers of at most 32 bits are worked with here, and in the
    // library.
    let unit = unsafe { Unit::take_over() };
    let unhurt = &share::words(1)?[0];
    let Fork::Parent(owner) = fork()? else {
        unit.leave_exception_pending();
        (0..ROUNDS).for_each(|_| sys::yield_now());
        println!("it waits for its exception");
        unit.wait();
        panic!("there was none");
    };
    for seed in 1..=NEIGHBOURS {
        if fork()? == Fork::Child {
            let pattern = Registers::pattern(seed);
            for _ in 0..ROUNDS {
                unit.load(&pattern);
                unit.wait();
                sys::yield_now();
                assert!(unit.store() == pattern, "registers changed");
            }
            unhurt.fetch_add(1, SeqCst);
            user::exit()
        }
    }
    while Env::of(owner).status() != Some(EnvStatus::Free) || unhurt.load(SeqCst) < NEIGHBOURS {
        sys::yield_now();
    }
    println!("{NEIGHBOURS} neighbours are unhurt");
    Ok(())
}
