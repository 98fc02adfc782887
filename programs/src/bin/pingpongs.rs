//! As `pingpong`, but the number is in memory that both share, and the
//! messages only say whose turn it is.
//!
//! The hard thing is to know which of the two one is: shared memory cannot say.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use user::env::Env;
use user::{Error, Fork, fork, ipc, println, share};

const LAST: u32 = 10;

user::program!(main);

fn main() {
    if let Err(error) = play() {
        panic!("{}", error.message());
    }
}

fn play() -> Result<(), Error> {
    let number: &AtomicU32 = &share::words(1)?[0];
    if let Fork::Parent(child) = fork()? {
        println!("send 0 from {:x} to {:x}", Env::this().id().0, child.0);
        ipc::send(child, 0)?;
    }
    loop {
        let turn = ipc::recv()?;
        let me = Env::this().id();
        let now = number.load(SeqCst);
        println!("{:x} got {now} from {:x}", me.0, turn.from.0);
        if now == LAST {
            return Ok(());
        }
        number.store(now + 1, SeqCst);
        ipc::send(turn.from, 0)?;
        if now + 1 == LAST {
            return Ok(());
        }
    }
}
