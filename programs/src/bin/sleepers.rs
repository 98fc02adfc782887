//! Eight environments sleep, each for another time, and say so when they wake.
//!
//! They go to sleep in another order than they wake in, and all times count from one
//! moment: so the order of the lines is known, on however many CPUs.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::time::Duration;

use programs::lives;
use user::time::{self, Instant};
use user::{Error, Fork, fork, println};

/// Who sleeps how long, in units of [`UNIT`].
const TURNS: [u32; 8] = [5, 2, 8, 1, 7, 4, 6, 3];
const UNIT: Duration = Duration::from_millis(100);
/// Until all have gone to sleep.
const START: Duration = Duration::from_millis(1000);

user::program!(main);

fn main() {
    match run() {
        Ok(()) => println!("all are awake"),
        Err(error) => println!("no sleep: {}", error.message()),
    }
}

fn run() -> Result<(), Error> {
    let start = Instant::now()?.after(START);
    let mut children = TURNS.map(|_| None);
    for (turn, place) in TURNS.into_iter().zip(&mut children) {
        match fork()? {
            Fork::Parent(child) => *place = Some(child),
            Fork::Child => {
                let end = start.after(UNIT * turn);
                time::sleep_until(end)?;
                let early = Instant::now()? < end;
                let when = if early { "too early" } else { "in time" };
                println!("sleeper {turn} woke {when}");
                user::exit()
            }
        }
    }
    time::sleep_until(start.after(UNIT * 9))?;
    children.into_iter().flatten().for_each(lives::wait_for);
    Ok(())
}
