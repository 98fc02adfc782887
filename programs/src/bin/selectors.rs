//! FS and GS belong to each environment: what it loads it finds again, whoever
//! runs in between and whichever way it was in the kernel; and a new one finds
//! what all programs start with.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use programs::{lives, selectors};
use user::{EnvId, Error, Fork, fork, println, share, sys};

/// The user's data segment: what all start with.
const DATA: u16 = 0x23;
/// Null with all requested privileges, code, data, and mixtures.
const PAIRS: [(u16, u16); 6] = [
    (0, 0),
    (3, 0x1b),
    (DATA, 0),
    (0, DATA),
    (0x20, 0x18),
    (DATA, DATA),
];
const ROUNDS: u32 = 100;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    let as_left = &share::words(1)?[0];
    let mut children = [EnvId::NONE; PAIRS.len()];
    for (pair, child) in PAIRS.into_iter().zip(&mut children) {
        match fork()? {
            Fork::Parent(id) => *child = id,
            Fork::Child => {
                assert!(selectors::store() == (DATA, DATA), "another's selectors");
                keep(pair, as_left);
                user::exit()
            }
        }
    }
    children.into_iter().for_each(lives::wait_for);
    let all = PAIRS.len() as u32 * ROUNDS;
    println!("{} of {all} selectors found as left", as_left.load(SeqCst));
    // Once more, in slots whose last owners had loaded something else.
    for _ in PAIRS {
        let Fork::Parent(child) = fork()? else {
            assert!(selectors::store() == (DATA, DATA), "a dead one's selectors");
            user::exit()
        };
        lives::wait_for(child);
    }
    println!("new ones begin with their own");
    Ok(())
}

/// Counts how often both are as they were left.
fn keep(pair: (u16, u16), as_left: &AtomicU32) {
    selectors::load(pair.0, pair.1);
    for round in 0..ROUNDS {
        match round % 3 {
            0 => selectors::by_int(),
            1 => selectors::by_sysenter(),
            _ => sys::yield_now(),
        }
        as_left.fetch_add(u32::from(selectors::store() == pair), SeqCst);
    }
}
