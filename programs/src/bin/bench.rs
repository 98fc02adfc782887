//! How long the kernel's operations take, seen from a program.
//!
//! `bench [ROW]...` measures the rows named, or all, and prints for each
//!
//! ```text
//! bench ROW min N median N mean N
//! ```
//!
//! in ticks of the time-stamp counter for one operation, over 20 batches. An
//! emulator that counts instructions makes that executed instructions; those
//! of the loop itself are not subtracted.
//!
//! The hard thing is to have nothing else between two readings of the counter:
//! the calls are expanded in the loop, and what a row needs is made before.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::entry::{Entry, Int, Sysenter};
use user::interface::Interface;
use user::{Fork, fork, println, sys, time};

const WARM_UPS: u32 = 16;
const BATCHES: usize = 20;

user::program!(main);

fn main() {
    if user::args().nth(1).is_some() {
        user::args().skip(1).for_each(run);
    } else {
        [
            "null-sysenter",
            "null-int",
            "yield1",
            "yield1-int",
            "switch",
            "switch-int",
        ]
        .into_iter()
        .for_each(run);
    }
}

/// Measures one row. Those without an entry in their name use the best that
/// the kernel offers.
fn run(row: &str) {
    let sysenter = Interface::get().has_sysenter();
    match row {
        "null" | "null-sysenter" if sysenter => null::<Sysenter>(row),
        "null" | "null-int" => null::<Int>(row),
        "null-sysenter" => println!("bench: this kernel has no sysenter"),
        "yield1" if sysenter => yield1::<Sysenter>(row),
        "yield1" | "yield1-int" => yield1::<Int>(row),
        "switch" if sysenter => switch::<Sysenter>(row),
        "switch" | "switch-int" => switch::<Int>(row),
        _ => println!("bench: no row is named {row}"),
    }
}

/// A call that only returns a word.
fn null<E: Entry>(row: &str) {
    measure::<1000, 1>(row, || {
        sys::getenvid_by::<E>();
    });
}

/// A yield with nobody to yield to.
fn yield1<E: Entry>(row: &str) {
    let interface = Interface::get();
    measure::<500, 1>(row, || sys::yield_by::<E>(interface));
}

/// One switch of environments: half of a yield to somebody who yields back.
/// Means something on one CPU only.
fn switch<E: Entry>(row: &str) {
    let interface = Interface::get();
    let partner = match fork() {
        Ok(Fork::Parent(partner)) => partner,
        Ok(Fork::Child) => loop {
            sys::yield_by::<E>(interface);
        },
        Err(error) => panic!("fork: {}", error.message()),
    };
    measure::<500, 2>(row, || sys::yield_by::<E>(interface));
    if let Err(error) = sys::env_destroy(partner) {
        panic!("env_destroy: {}", error.message());
    }
}

/// Times batches of `K` operations and prints the row. `PARTS` is into how
/// many equal parts an operation is divided for the figures.
fn measure<const K: u32, const PARTS: u32>(row: &str, operation: impl Fn()) {
    for _ in 0..WARM_UPS {
        operation();
    }
    let mut batches = [0; BATCHES];
    for batch in &mut batches {
        let start = time::cycles();
        for _ in 0..K {
            operation();
        }
        *batch = (time::cycles() - start) / u64::from(K * PARTS);
    }
    batches.sort_unstable();
    let median = (batches[BATCHES / 2 - 1] + batches[BATCHES / 2]) / 2;
    let mean = batches.iter().sum::<u64>() / BATCHES as u64;
    println!("bench {row} min {} median {median} mean {mean}", batches[0]);
}
