//! Eight environments keep patterns of their own in the x87 and SSE registers.
//! Whoever runs in between, each must find its own again; and a new environment
//! must find none of it, though it has a dead one's slot.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use programs::fpu::{Registers, Unit};
use programs::lives::wait_for;
use user::{EnvId, Error, Fork, fork, println, share, sys};

const CHILDREN: u32 = 8;
const ROUNDS: u32 = 2000;
/// Every so many rounds it is the timer's turn to switch, for so many steps.
const SPIN_EVERY: u32 = 200;
const SPIN: u32 = 2_000_000;

user::program!(main);

fn main() {
    if let Err(error) = check_all() {
        panic!("{}", error.message());
    }
}

fn check_all() -> Result<(), Error> {
    // SAFETY: only integers of at most 32 bits are worked with here, and in the
    // library.
    let unit = unsafe { Unit::take_over() };
    let words = share::words(2)?;
    let (intact, slot_has_state) = (&words[0], &words[1]);
    let mut children = [EnvId::NONE; CHILDREN as usize];
    for (seed, child) in (1..).zip(&mut children) {
        match fork()? {
            Fork::Parent(id) => *child = id,
            Fork::Child => {
                keep(unit, seed, intact);
                user::exit()
            }
        }
    }
    children.into_iter().for_each(wait_for);
    println!(
        "{} of {} found as left",
        intact.load(SeqCst),
        CHILDREN * ROUNDS
    );

    let dead = match fork()? {
        Fork::Parent(id) => id,
        Fork::Child => {
            unit.load(&Registers::pattern(0x5ec2e7));
            // Somebody else on this CPU: now it is the kernel that has them.
            while slot_has_state.fetch_add(1, SeqCst) < 1000 {
                sys::yield_now();
            }
            user::exit()
        }
    };
    wait_for(dead);
    // Others may be quicker to get the slot; then it is theirs until they end.
    loop {
        match fork()? {
            Fork::Parent(next) => {
                wait_for(next);
                if next.slot() == dead.slot() {
                    return Ok(());
                }
            }
            Fork::Child if sys::getenvid().slot() != dead.slot() => user::exit(),
            Fork::Child if unit.store() == Registers::RESET => {
                println!("a clean unit");
                user::exit()
            }
            Fork::Child => {
                println!("a dead environment's registers");
                user::exit()
            }
        }
    }
}

/// Counts how often the pattern is as it was left.
fn keep(unit: Unit, seed: u32, intact: &AtomicU32) {
    let pattern = Registers::pattern(seed);
    for round in 0..ROUNDS {
        unit.load(&pattern);
        if round % SPIN_EVERY == 0 {
            for step in 0..SPIN {
                core::hint::black_box(step);
            }
        } else {
            sys::yield_now();
        }
        intact.fetch_add(u32::from(unit.store() == pattern), SeqCst);
    }
}
