//! Lets the child go on that `freeze` wrote to the disk, in an earlier run of the machine.
//! For `--with type=fs:diskserver --disk FILE`.
//!
//! The hard thing is a disk that holds something else. Nothing in it is believed: there is a
//! child only when every byte was checked.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use checkpoint::{Checkpoint, Damaged};
use programs::blocks;
use user::abi::EnvType;
use user::share::Page;
use user::{EnvId, Error, checkpoint as stopped, ipc, println, share, sys};

/// How many numbers it counts here.
const NUMBERS: u32 = 3;

user::heap!();
user::program!(main);

fn main() {
    let Some(server) = ipc::find_env(EnvType::FileServer) else {
        return println!("there is no disk server");
    };
    match run(server) {
        Ok(Ok(())) => {}
        Ok(Err(damaged)) => println!("not thawed: {}", damaged.message()),
        Err(error) => println!("not thawed: {}", error.message()),
    }
}

fn run(server: EnvId) -> Result<Result<(), Damaged>, Error> {
    let checkpoint = match load(server)? {
        Ok(checkpoint) => checkpoint,
        Err(damaged) => return Ok(Err(damaged)),
    };
    let child = stopped::revive(&checkpoint.state, checkpoint.pages())?;
    let id = child.id();
    child.go_on()?;
    println!("thawed");
    for _ in 0..NUMBERS {
        let [sum, _] = sys::ipc_call(id, [0; 2])?;
        println!("it says {sum}");
    }
    sys::env_destroy(id)?;
    Ok(Ok(()))
}

/// The checkpoint on the disk, from its first block on.
fn load(server: EnvId) -> Result<Result<Checkpoint, Damaged>, Error> {
    let page = share::page()?;
    let mut bytes = Vec::new();
    read(server, page, 0, &mut bytes)?;
    let size = match Checkpoint::size(&bytes) {
        Ok(size) => size,
        Err(damaged) => return Ok(Err(damaged)),
    };
    let mut block = 1;
    while bytes.len() < size {
        match read(server, page, block, &mut bytes) {
            Ok(()) => block += 1,
            // The disk ends here.
            Err(Error::NotFound) => return Ok(Err(Damaged::Short)),
            Err(error) => return Err(error),
        }
    }
    Ok(Checkpoint::from_bytes(&bytes))
}

/// Appends a block to `bytes`.
fn read(server: EnvId, page: &'static Page, block: u32, bytes: &mut Vec<u8>) -> Result<(), Error> {
    blocks::fetch(server, page, block)?;
    for word in page.iter() {
        bytes.extend(word.load(Relaxed).to_le_bytes());
    }
    Ok(())
}
