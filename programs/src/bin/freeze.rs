//! A child counts; then it is stopped, and written to the disk as it is. `thaw` lets it go
//! on, in another run of the machine. For `--with type=fs:diskserver --disk FILE`.
//!
//! The hard thing is a child that knows nothing of where it is: its parent of later is not
//! this one, and its id may be another. So it answers whoever asks, and asks nobody.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use checkpoint::{Checkpoint, Page};
use programs::blocks;
use user::abi::{EnvState, EnvType};
use user::{EnvId, Error, Fork, checkpoint as stopped, fork, ipc, println, share, sys};

/// How far it counts here.
const NUMBERS: u32 = 3;

user::heap!();
user::program!(main);

fn main() {
    let Some(server) = ipc::find_env(EnvType::FileServer) else {
        return println!("there is no disk server");
    };
    if let Err(error) = run(server) {
        println!("not frozen: {}", error.message());
    }
}

fn run(server: EnvId) -> Result<(), Error> {
    let Fork::Parent(child) = fork()? else {
        return count();
    };
    for _ in 0..NUMBERS {
        sys::ipc_call(child, [0; 2])?;
    }
    let bytes = freeze(child)?;
    let blocks = save(server, &bytes)?;
    println!("frozen at {NUMBERS}, in {blocks} blocks");
    sys::env_destroy(child)
}

/// The child as bytes.
fn freeze(child: EnvId) -> Result<Vec<u8>, Error> {
    let mut state = Box::new(EnvState::default());
    let mut pages = Vec::new();
    let held = stopped::stop(child, &mut state)?;
    held.pages(|va, perm, content| pages.push(Page::new(va, perm, content)))?;
    Ok(Checkpoint::new(state, pages).to_bytes())
}

/// Writes bytes to the disk, from its first block on; returns how many blocks they fill.
fn save(server: EnvId, bytes: &[u8]) -> Result<u32, Error> {
    let page = share::page()?;
    let mut blocks = 0;
    for content in bytes.chunks(page.len() * 4) {
        let words = content.chunks(4).map(|word| {
            let mut bytes = [0; 4];
            bytes
                .iter_mut()
                .zip(word)
                .for_each(|(to, from)| *to = *from);
            u32::from_le_bytes(bytes)
        });
        for (place, word) in page.iter().zip(words) {
            place.store(word, Relaxed);
        }
        blocks::store(server, page, blocks)?;
        blocks += 1;
    }
    Ok(blocks)
}

/// Counts a number whenever anybody asks, and answers with the sum of all numbers.
fn count() -> Result<(), Error> {
    let mut numbers: Vec<u32> = Vec::new();
    let (mut client, _) = sys::ipc_reply(EnvId::NONE, [0; 2])?;
    for number in 1.. {
        numbers.push(number);
        let sum = numbers.iter().sum();
        println!("number {number}, sum {sum}");
        (client, _) = sys::ipc_reply(client, [sum, 0])?;
    }
    Ok(())
}
