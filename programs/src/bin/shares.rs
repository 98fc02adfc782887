//! Twelve environments count, with 90, 60 or 30 shares of the CPUs: who gets how much?
//!
//! `shares [MILLISECONDS]` prints what each four have counted, in parts of a hundred, and
//! whether that is as their shares are. With fewer than four of each, some could not use
//! their shares on four CPUs, for none can be on two. The hard thing is to look: whoever
//! measures must get a CPU in time, so it has more shares than they, and sleeps.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;

use user::scheduling::{Policy, Scheduling};
use user::share::{self, Page};
use user::{EnvId, Error, Fork, fork, println, sys, time};

const GROUPS: [u16; 3] = [90, 60, 30];
const MEMBERS: usize = 4;
const MILLISECONDS: u64 = 500;
/// Until all have started.
const START: Duration = Duration::from_millis(50);
/// By how much a group may be off, in thousandths of all.
const SLACK: u32 = 30;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        println!("no shares: {}", error.message());
    }
}

fn run() -> Result<(), Error> {
    let given = user::args().nth(1).and_then(|word| word.parse().ok());
    let length = Duration::from_millis(given.unwrap_or(MILLISECONDS));
    let policy = Scheduling::USUAL.give(EnvId(0))?;
    let shared = share::page()?;
    let mut children = [EnvId(0); GROUPS.len() * MEMBERS];
    for (index, place) in children.iter_mut().enumerate() {
        let Fork::Parent(child) = fork()? else {
            count(shared, index);
        };
        *place = child;
        let shares = GROUPS[index / MEMBERS];
        let numbers = Scheduling {
            shares,
            ..Scheduling::USUAL
        };
        numbers.give(child)?;
    }
    time::sleep(START)?;
    let before = counted(shared);
    time::sleep(length)?;
    let after = counted(shared);
    for child in children {
        sys::env_destroy(child)?;
    }
    report(
        policy,
        core::array::from_fn(|index| after[index] - before[index]),
    );
    Ok(())
}

fn count(shared: &Page, index: usize) -> ! {
    loop {
        shared[index].fetch_add(1, Relaxed);
    }
}

/// What the members of each group have counted.
fn counted(shared: &Page) -> [u64; GROUPS.len()] {
    core::array::from_fn(|group| {
        let members = group * MEMBERS..(group + 1) * MEMBERS;
        members
            .map(|index| u64::from(shared[index].load(Relaxed)))
            .sum()
    })
}

fn report(policy: Policy, counted: [u64; GROUPS.len()]) {
    let all = counted.iter().sum::<u64>().max(1);
    let shares: u32 = GROUPS.iter().map(|&shares| u32::from(shares)).sum();
    let mut kept = true;
    for (counted, group) in counted.into_iter().zip(GROUPS) {
        let had = (counted * 1000 / all) as u32;
        println!("{group} shares: {}.{} %", had / 10, had % 10);
        kept &= had.abs_diff(u32::from(group) * 1000 / shares) <= SLACK;
    }
    match policy {
        Policy::Stride if kept => println!("shares are kept"),
        Policy::Stride => println!("shares: BUG: not kept"),
        Policy::Lottery => println!("shares are drawn"),
        _ => println!("{} ignores shares", policy.name()),
    }
}
