//! Prints primes, each from an environment of its own: see
//! [`programs::sieve`].
//!
//! `primes [LIMIT]` sieves the numbers up to LIMIT, 2500 if it is not given.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::sieve;
use user::env::Env;
use user::{print, println};

user::program!(main);

fn main() {
    let limit = match user::args().nth(1) {
        None => sieve::LIMIT,
        Some(limit) => match limit.parse() {
            Ok(limit) => limit,
            Err(_) => return println!("primes: {limit}: a number up to {} is needed", u32::MAX),
        },
    };
    sieve::run(limit, |prime| {
        print!("CPU {}: {prime} ", Env::this().cpu());
    });
    println!("");
}
