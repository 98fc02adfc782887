//! The sieve of Eratosthenes as a chain of environments: each prints the first
//! number it receives, which is prime, and passes on those of the others that
//! it does not divide.
//!
//! `primes [LIMIT]` sieves the numbers up to LIMIT, 2500 if it is not given.
//!
//! The hard thing is to end. Many numbers are on their way when the last one
//! is sent, and a filter that ends makes the kernel print into the list. So
//! the end goes down the chain like a number, and when it has come to the last
//! filter it comes back up; each filter ends after its successor.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::env::Env;
use user::{EnvId, Error, Fork, fork, ipc, print};

const LIMIT: u32 = 2500;
/// What is sent after the last number.
const END: u32 = 0;

user::program!(main);

fn main() {
    let limit = match user::args().nth(1) {
        None => LIMIT,
        Some(limit) => match limit.parse() {
            Ok(limit) => limit,
            Err(_) => panic!("{limit} is not a number"),
        },
    };
    if let Err(error) = generate(limit) {
        panic!("{}", error.message());
    }
}

/// Sends all numbers down a new chain.
fn generate(limit: u32) -> Result<(), Error> {
    let Some(first) = next_filter()? else {
        return filters();
    };
    for number in 2..=limit {
        ipc::send(first, number)?;
    }
    end(first)
}

/// What a filter does; and, as they are forked from here, all after it.
fn filters() -> Result<(), Error> {
    loop {
        let first = ipc::recv()?;
        let prime = first.value;
        if prime == END {
            return ipc::send(first.from, END);
        }
        print!("CPU {}: {prime} ", Env::this().cpu());
        let Some(next) = next_filter()? else {
            continue;
        };
        loop {
            let message = ipc::recv()?;
            if message.value == END {
                end(next)?;
                return ipc::send(message.from, END);
            }
            if message.value % prime != 0 {
                ipc::send(next, message.value)?;
            }
        }
    }
}

/// Forks the next filter, which goes on with `None`.
fn next_filter() -> Result<Option<EnvId>, Error> {
    match fork()? {
        Fork::Parent(child) => Ok(Some(child)),
        Fork::Child => Ok(None),
    }
}

/// Sends the end to `next` and waits for it to come back.
fn end(next: EnvId) -> Result<(), Error> {
    ipc::send(next, END)?;
    ipc::recv()?;
    Ok(())
}
