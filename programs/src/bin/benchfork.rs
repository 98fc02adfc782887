//! How long forks take. `benchfork [ROW]...` measures the rows named, or all, as
//! [`programs::measure`] says; `primes` happens once and has one figure.
//!
//! The hard thing is that the figures depend on how many pages the program has.
//! So this one is small, and has no rows that others could have.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::measure::{measure, must, rows};
use programs::sieve;
use user::env::Env;
use user::interface::Interface;
use user::{EnvStatus, Fork, area, fork, print, println, sys, time};

user::program!(main);

fn main() {
    // Has the library use the best entry from the first row on.
    Interface::get();
    if rows().next().is_some() {
        rows().for_each(run);
    } else {
        ["fork", "fork64", "primes"].into_iter().for_each(run);
    }
}

/// Measures one row.
fn run(row: &str) {
    match row {
        "fork" => measure::<20, 1>(row, fork_and_wait),
        "fork64" => fork64(row),
        "primes" => primes(row),
        _ => println!("benchfork: no row is named {row}"),
    }
}

/// As `fork`, with 64 more pages, in a page table of their own.
fn fork64(row: &str) {
    (0..64).for_each(|page| must(area::map(page)));
    measure::<20, 1>(row, fork_and_wait);
    (0..64).for_each(|page| must(area::unmap(page)));
}

/// A child that ends at once, from the fork until the parent has noticed.
#[inline(never)]
fn fork_and_wait() {
    match must(fork()) {
        Fork::Parent(child) => {
            while Env::of(child).status() != Some(EnvStatus::Free) {
                sys::yield_now();
            }
        }
        Fork::Child => user::exit(),
    }
}

/// What `primes` does until it has printed 1877: 289 forks, and messages that
/// grow fewer from each filter to the next.
fn primes(row: &str) {
    const LAST: u32 = 1877;
    let start = time::cycles();
    sieve::run(sieve::LIMIT, |prime| {
        print!("CPU {}: {prime} ", Env::this().cpu());
        if prime == LAST {
            let cycles = time::cycles() - start;
            println!("\nbench {row} {cycles}");
        }
    });
    print!("\n");
}
