//! Eight environments send to one, as fast as they can. Each message must come
//! once, those of a sender in order, and the longest waiting be served first, but
//! nobody twice in a row.
//!
//! Before it sends, each draws the next number, as in a shop. The hard thing is what
//! may be out of turn: whoever finds the receiver waiting is served and comes again
//! before the others, and gives way to them then, once in nine messages. And between
//! drawing and sending another may come. But no number is missing or comes twice.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::SeqCst;

use user::{EnvId, Error, Fork, fork, ipc, println, share, sys};

const SENDERS: usize = 8;
const MESSAGES: u32 = 2000;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    let numbers = &share::words(1)?[0];
    let receiver = sys::getenvid();
    let mut senders = [EnvId::NONE; SENDERS];
    for sender in &mut senders {
        match fork()? {
            Fork::Parent(id) => *sender = id,
            Fork::Child => {
                for _ in 0..MESSAGES {
                    ipc::send(receiver, numbers.fetch_add(1, SeqCst))?;
                }
                user::exit()
            }
        }
    }
    receive(&senders)
}

fn receive(senders: &[EnvId; SENDERS]) -> Result<(), Error> {
    const ALL: u32 = MESSAGES * SENDERS as u32;
    let mut last = [None; SENDERS];
    let (mut highest, mut sum, mut late) = (0, 0, 0);
    for _ in 0..ALL {
        let message = ipc::recv()?;
        let from = senders.iter().position(|&sender| sender == message.from);
        let last = &mut last[from.ok_or(Error::BadEnv)?];
        assert!(*last < Some(message.value), "a sender's order");
        *last = Some(message.value);
        late += u32::from(message.value < highest);
        highest = highest.max(message.value);
        sum += message.value;
    }
    // Ascending for each sender, so none is there twice; so none is missing.
    assert!(
        highest == ALL - 1 && sum == ALL / 2 * (ALL - 1),
        "each once"
    );
    println!("{ALL} messages, each once");
    println!("{late} of them out of turn");
    Ok(())
}
