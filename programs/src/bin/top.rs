//! Who runs how often: the public table of environments, looked at twice with a sleep
//! between, those who ran most in it first. `top 3` looks three times; `top 3 200` every
//! 200 ms.
//!
//! The hard thing is that the table changes while it is read, and slots change hands between
//! two looks. So a row is kept by the id that it had, and one whose environment is new
//! counts from nothing.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use user::env::Env;
use user::{EnvId, EnvStatus, Error, println, sys, time};

/// Rounds, unless the first argument says how many.
const ROUNDS: u32 = 1;
/// Milliseconds from one look to the next, unless the second argument says how many.
const INTERVAL: u32 = 1000;
/// Where time cannot be waited for: turns of others from one look to the next.
const TURNS: u32 = 200;

user::heap!();
user::program!(main);

/// An environment at one moment.
struct Row {
    id: EnvId,
    parent: EnvId,
    status: Option<EnvStatus>,
    cpu: u32,
    runs: u32,
    /// How often it was put on a CPU since the look before.
    recent: u32,
}

fn main() {
    let mut numbers = user::args().skip(1).map(str::parse::<u32>);
    let (Ok(rounds), Ok(interval)) = (
        numbers.next().unwrap_or(Ok(ROUNDS)),
        numbers.next().unwrap_or(Ok(INTERVAL)),
    ) else {
        return println!("top ROUNDS MILLISECONDS: two numbers, or one, or none");
    };
    let mut before = runs_by_id();
    for round in 1..=rounds {
        wait(Duration::from_millis(interval.into()));
        let rows = rows(&before);
        before = rows.iter().map(|row| (row.id, row.runs)).collect();
        show(round, rows);
    }
}

/// How often each living environment has been put on a CPU.
fn runs_by_id() -> BTreeMap<EnvId, u32> {
    living().map(|env| (env.id(), env.runs())).collect()
}

fn living() -> impl Iterator<Item = Env> {
    Env::all().filter(|env| env.status() != Some(EnvStatus::Free))
}

/// All that live, those who ran most often first; among equals the oldest slot.
fn rows(before: &BTreeMap<EnvId, u32>) -> Vec<Row> {
    let mut rows: Vec<Row> = living()
        .map(|env| {
            let (id, runs) = (env.id(), env.runs());
            let earlier = before.get(&id).copied().unwrap_or(0);
            Row {
                id,
                parent: env.parent_id(),
                status: env.status(),
                cpu: env.cpu(),
                runs,
                recent: runs.wrapping_sub(earlier),
            }
        })
        .collect();
    rows.sort_by_key(|row| u32::MAX - row.recent);
    rows
}

fn show(round: u32, rows: Vec<Row>) {
    println!("round {round}, {} environments", rows.len());
    println!("      id    parent  status    cpu        runs      recent");
    for row in rows {
        println!("{row}");
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.status {
            Some(EnvStatus::Running) => "running",
            Some(EnvStatus::Runnable) => "ready",
            Some(EnvStatus::NotRunnable) => "waits",
            _ => "ends",
        };
        let Row {
            id,
            parent,
            cpu,
            runs,
            recent,
            ..
        } = self;
        write!(
            f,
            "{:08x}  {:08x}  {status:<8}{cpu:>5}{runs:>12}{recent:>12}",
            id.0, parent.0
        )
    }
}

/// Sleeps, or lets others run where the kernel knows no sleep.
fn wait(interval: Duration) {
    match time::sleep(interval) {
        Ok(()) => {}
        Err(Error::NotSupp) => (0..TURNS).for_each(|_| sys::yield_now()),
        Err(error) => panic!("sleep: {}", error.message()),
    }
}
