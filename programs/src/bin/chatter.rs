//! Eight environments print as fast as they can; one on CPU 0, which hears the
//! console's interrupts, wants to work meanwhile, and must be able to.
//!
//! An emulated port is ready again at once, so a kernel that writes whenever it
//! can leaves CPU 0 to nobody else. The hard thing is to measure that without a
//! clock, since here minutes may pass between two instructions: what counts is
//! how much is done for each line that is printed.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use user::env::Env;
use user::{Error, Fork, fork, println, share, sys};

const PRINTERS: usize = 8;
const LINES: u32 = 100;
/// Turns of the loop below for a line of 40 bytes: a small part of what fits
/// into the time in which CPU 0 writes as much.
const ENOUGH: u32 = 4000;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    let words = share::words(1 + PRINTERS)?;
    let [go, printed @ ..] = words else {
        return Err(Error::NoMem);
    };
    for mine in printed {
        if fork()? == Fork::Child {
            print(go, mine);
            user::exit()
        }
    }
    while Env::this().cpu() != 0 {
        sys::yield_now();
    }
    go.store(1, SeqCst);
    let mut done = 0;
    while printed.iter().any(|count| count.load(SeqCst) < LINES) {
        done += u32::from(Env::this().cpu() == 0);
    }
    let lines = PRINTERS as u32 * LINES;
    match done / lines {
        turns if turns >= ENOUGH => println!("work went on"),
        turns => println!("only {turns} turns of work for a line"),
    }
    Ok(())
}

fn print(go: &AtomicU32, mine: &AtomicU32) {
    while go.load(SeqCst) == 0 {
        sys::yield_now();
    }
    let id = sys::getenvid().0;
    while mine.load(SeqCst) < LINES {
        println!("{id:08x} chatters and chatters and chatters");
        mine.fetch_add(1, SeqCst);
    }
}
