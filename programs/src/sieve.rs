//! The sieve of Eratosthenes as a chain of environments: each reports the first
//! number it receives, which is prime, and passes on those of the others that
//! it does not divide.
//!
//! The hard thing is to end. Many numbers are on their way when the last one
//! is sent, and a filter that ends makes the kernel print into the list. So
//! the end goes down the chain like a number, and when it has come to the last
//! filter it comes back up; each filter ends after its successor.

use user::{EnvId, Error, Fork, fork, ipc, println};

/// How far the sieve goes unless it is told: 367 primes.
pub const LIMIT: u32 = 2500;
/// What is sent after the last number.
const END: u32 = 0;

/// Sends the numbers up to `limit` down a new chain and returns when that has
/// ended. The filters, which do not come back from here, call `report` with
/// their primes.
pub fn run(limit: u32, report: impl Fn(u32)) {
    match next_filter().and_then(|first| match first {
        Some(first) => generate(first, limit),
        None => {
            filters(report)?;
            user::exit()
        }
    }) {
        // A neighbour that is gone: the sieve is being ended, or breaks down.
        Ok(()) | Err(Error::BadEnv) => {}
        // A kernel makes so many environments and no more.
        Err(Error::NoFreeEnv) => println!("the sieve has no room to grow"),
        Err(error) => panic!("{}", error.message()),
    }
}

/// Sends all numbers to the first filter.
fn generate(first: EnvId, limit: u32) -> Result<(), Error> {
    for number in 2..=limit {
        ipc::send(first, number)?;
    }
    end(first)
}

/// What a filter does; and, as they are forked from here, all after it.
fn filters(report: impl Fn(u32)) -> Result<(), Error> {
    loop {
        let first = ipc::recv()?;
        let prime = first.value;
        if prime == END {
            return ipc::send(first.from, END);
        }
        report(prime);
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
