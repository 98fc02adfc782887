//! How much more several CPUs do: the same work by each of several environments at once.
//!
//! `benchscale [WORKERS [ROW]...]` prints for the rows named, or all,
//!
//! ```text
//! bench ROW N
//! ```
//!
//! in ticks of the time-stamp counter, from the start until the last of WORKERS has done
//! its share, which is always the same. With as many CPUs as workers, and enough cores
//! below, that is no longer than one takes on one CPU; what it is longer is waiting.
//!
//! The hard thing is who measures: that environment must not take a CPU from those who
//! work. So it waits for a message of each.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::SeqCst;

use programs::measure::must;
use programs::sieve;
use user::entry::{Entry, Int};
use user::env::Env;
use user::interface::Interface;
use user::share::{self, Page};
use user::{Fork, area, fork, ipc, println, sys, time};

/// What is done, and by what name.
const ROWS: [(&str, fn()); 3] = [("null", null), ("page", page), ("primes", primes)];

const CALLS: u32 = 2_000_000;
const PAGES: u32 = 50_000;
/// Sieves one after another, each a chain of as many environments as there are primes below.
const SIEVES: u32 = 12;
const LAST: u32 = 200;

/// Words of a page that all have: how many are ready, and whether they may start.
const READY: usize = 0;
const STARTED: usize = 1;

user::program!(main);

fn main() {
    let Ok(workers @ 1..) = user::args().nth(1).unwrap_or("2").parse() else {
        return println!("benchscale: how many workers?");
    };
    let all = ROWS.iter().filter(|(row, _)| {
        let mut named = user::args().skip(2).peekable();
        named.peek().is_none() || named.any(|word| word == *row)
    });
    for (row, work) in all {
        measure(row, workers, *work);
    }
}

/// Has `workers` children do the work, all at once.
fn measure(row: &str, workers: u32, work: fn()) {
    let shared = must(share::page());
    let parent = Env::this().id();
    for _ in 0..workers {
        if let Fork::Child = must(fork()) {
            wait_for_start(shared);
            work();
            must(ipc::send(parent, 0));
            user::exit();
        }
    }
    while shared[READY].load(SeqCst) < workers {
        sys::yield_now();
    }
    let start = time::cycles();
    shared[STARTED].store(1, SeqCst);
    for _ in 0..workers {
        must(ipc::recv());
    }
    let ticks = time::cycles() - start;
    println!("bench {row} {ticks}");
}

fn wait_for_start(shared: &Page) {
    shared[READY].fetch_add(1, SeqCst);
    while shared[STARTED].load(SeqCst) == 0 {
        sys::yield_now();
    }
}

/// The cheapest call.
fn null() {
    match Interface::get().sysenter() {
        Some(sysenter) => call(sysenter),
        None => call(Int),
    }
}

fn call<E: Entry + Copy>(entry: E) {
    (0..CALLS).for_each(|_| {
        sys::getenvid_by(entry);
    });
}

/// A fresh page, mapped and unmapped.
fn page() {
    (0..PAGES).for_each(|_| {
        must(area::map(0));
        must(area::unmap(0));
    });
}

/// A sieve for each worker alone.
fn primes() {
    (0..SIEVES).for_each(|_| sieve::run(LAST, |_| ()));
}
