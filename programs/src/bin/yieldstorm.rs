//! Fifteen environments yield as often as they can, one works: it must not wait
//! longer for its turn than others do.
//!
//! The hard thing is to measure that without a clock. A turn ends when the
//! quantum does; what counts is how often the others ran until the next one. In
//! a round robin that is once each. (With several CPUs more: an emulator may
//! let one of them stand still while the others go on.)

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use user::env::Env;
use user::{EnvId, Error, Fork, fork, println, share, sys};

const OTHERS: u32 = 15;
/// How many times the worker is off its CPU.
const ABSENCES: u32 = 20;
/// With more turns of the others than this before it, a turn is late.
const TOO_MANY: u32 = 2 * OTHERS;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    let turns = &share::words(1)?[0];
    let mut others = [EnvId::NONE; OTHERS as usize];
    for other in &mut others {
        match fork()? {
            Fork::Parent(id) => *other = id,
            Fork::Child => loop {
                turns.fetch_add(1, SeqCst);
                sys::yield_now();
            },
        }
    }
    let late = work(turns);
    for other in others {
        sys::env_destroy(other)?;
    }
    println!("{ABSENCES} turns, {late} of them late");
    Ok(())
}

/// Works; returns how many of its turns were late.
fn work(turns: &AtomicU32) -> u32 {
    let this = Env::this();
    let (mut runs, mut before) = (this.runs(), turns.load(SeqCst));
    let (mut absences, mut late) = (0, 0);
    while absences < ABSENCES {
        let (runs_now, now) = (this.runs(), turns.load(SeqCst));
        if runs_now != runs {
            absences += 1;
            late += u32::from(now.wrapping_sub(before) > TOO_MANY);
            runs = runs_now;
        }
        before = now;
    }
    late
}
