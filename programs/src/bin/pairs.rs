//! Thirty-two pairs send each other numbers at the same time, and none is lost or
//! goes to another.
//!
//! The hard thing is to tell: so each pair's numbers are its own, and a shared word
//! counts those that were right.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use programs::lives;
use user::{EnvId, Error, Fork, fork, ipc, println, share};

const PAIRS: usize = 32;
const MESSAGES: u32 = 100;

user::program!(main);

fn main() {
    if let Err(error) = play() {
        panic!("{}", error.message());
    }
}

fn play() -> Result<(), Error> {
    let right = &share::words(1)?[0];
    let mut players = [EnvId::NONE; PAIRS];
    for (pair, player) in players.iter_mut().enumerate() {
        match fork()? {
            Fork::Parent(id) => *player = id,
            Fork::Child => return start(pair as u32 * MESSAGES, right),
        }
    }
    for player in players {
        lives::wait_for(player);
    }
    let right = right.load(SeqCst);
    println!("{PAIRS} pairs, {right} messages right");
    Ok(())
}

/// Makes the second of a pair and serves.
fn start(first: u32, right: &AtomicU32) -> Result<(), Error> {
    match fork()? {
        Fork::Parent(other) => {
            ipc::send(other, first)?;
            rally(other, first + 1, first, right)?;
            lives::wait_for(other);
            Ok(())
        }
        Fork::Child => rally(user::env::Env::this().parent_id(), first, first, right),
    }
}

/// Takes `next` and every second number after it, and sends back one more.
fn rally(other: EnvId, next: u32, first: u32, right: &AtomicU32) -> Result<(), Error> {
    for expected in (next..first + MESSAGES).step_by(2) {
        let message = ipc::recv()?;
        if message.from == other && message.value == expected {
            right.fetch_add(1, SeqCst);
        }
        if expected + 1 < first + MESSAGES {
            ipc::send(other, expected + 1)?;
        }
    }
    Ok(())
}
