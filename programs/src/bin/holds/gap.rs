//! Readings of the counter, before and after.
//!
//! The hard thing is the timer: its interrupt may come between two readings. What can
//! be done again is done a few times, and the least counts.

use user::{println, sys, time};

const TIMES: u32 = 5;
/// As long as the console prints, it interrupts more often than this: in each quantum.
const CALM: u64 = 12_000_000;
/// An interrupt of the console takes longer than this, and one of the timer does not.
const INTERRUPTION: u64 = 2000;

/// The time that `work` takes.
#[inline(always)]
pub fn of(work: impl FnOnce()) -> u64 {
    let start = time::cycles();
    work();
    time::cycles() - start
}

/// Prints the least time of `work` among a few. What is needed is made before each.
#[inline(always)]
pub fn print_least(row: &str, prepare: impl Fn(), work: impl Fn()) {
    let times = (0..TIMES).map(|_| {
        prepare();
        of(&work)
    });
    let least = times.min().unwrap_or(0);
    print(row, least);
}

/// The longest time from a yield until it returns, while `goes_on`.
pub fn longest(goes_on: impl Fn() -> bool) -> u64 {
    let mut longest = 0;
    while goes_on() {
        longest = of(sys::yield_now).max(longest);
    }
    longest
}

/// The time of the first interrupt that takes longer than the timer's usual one. The
/// caller does nothing until it comes.
pub fn interruption() -> u64 {
    let mut last = time::cycles();
    loop {
        let now = time::cycles();
        if now - last > INTERRUPTION {
            return now - last;
        }
        last = now;
    }
}

/// Prints a row, and waits until that has left the console: the kernel writes to the
/// port without the lock, but not in no time.
#[inline(never)]
pub fn print(row: &str, time: u64) {
    println!("hold {row} {time}");
    wait_for_console();
}

/// Waits until only the timer interrupts this program.
pub fn wait_for_console() {
    let mut last = time::cycles();
    let mut calm_since = last;
    while last - calm_since < CALM {
        let now = time::cycles();
        if now - last > INTERRUPTION {
            calm_since = now;
        }
        last = now;
    }
}
