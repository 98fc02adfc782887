//! An environment computes and ends. The next one, mostly in its slot and on its
//! CPU, must find nothing of it in the x87 unit: no number, and not where the last
//! instruction and its operand were.

#![no_std]
#![no_main]

use programs::fpu::Unit;
use programs::lives;
use user::{Error, Fork, fork, println};

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    const LIVES: u32 = 20;
    // SAFETY: only integers of at most 32 bits are worked with here, and in the
    // library.
    let unit = unsafe { Unit::take_over() };
    for _ in 0..LIVES {
        let Fork::Parent(first) = fork()? else {
            unit.leave_a_product();
            user::exit()
        };
        lives::wait_for(first);
        // Mostly in the same slot, but others may have been quicker.
        let Fork::Parent(next) = fork()? else {
            assert!(unit.is_clean(), "a dead environment's numbers");
            user::exit()
        };
        lives::wait_for(next);
    }
    println!("nothing is left in the unit, {LIVES} times");
    Ok(())
}
