//! Asks the disk server for blocks, those that its arguments name or the first
//! three, and prints a checksum of each. A block that cannot be had is said and
//! the next one asked for; without the server there is none. For
//! `--with type=fs:diskserver --disk FILE`.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::Relaxed;

use programs::blocks;
use user::abi::EnvType;
use user::share::{self, Page};
use user::{EnvId, Error, Perm, ipc, println};

user::program!(main);

fn main() {
    let Some(server) = ipc::find_env(EnvType::FileServer) else {
        return println!("there is no disk server");
    };
    let page = match share::page() {
        Ok(page) => page,
        Err(error) => panic!("{}", error.message()),
    };
    if let Err(Gone) = ask(server, page) {
        println!("the disk server is gone");
    }
}

/// Nobody is left to be asked.
struct Gone;

fn ask(server: EnvId, page: &'static Page) -> Result<(), Gone> {
    let mut named = user::args().skip(1).peekable();
    if named.peek().is_none() {
        return (0..3).try_for_each(|block| show(server, page, block));
    }
    for word in named {
        match word.parse() {
            Ok(block) => show(server, page, block)?,
            Err(_) => println!("{word}: not the number of a block"),
        }
    }
    Ok(())
}

fn show(server: EnvId, page: &'static Page, block: u32) -> Result<(), Gone> {
    match blocks::fetch(server, page, block) {
        Ok(perm) => {
            let rights = if perm.contains(Perm::W) {
                "writeable"
            } else {
                "read-only"
            };
            println!("block {block}: {rights}, checksum {:08x}", checksum(page));
        }
        // A server does not answer with this: it is what sending to it gave.
        Err(Error::BadEnv) => return Err(Gone),
        Err(error) => println!("block {block}: {}", error.message()),
    }
    Ok(())
}

/// Depends on every bit, and on the order of the words.
fn checksum(page: &Page) -> u32 {
    page.iter().fold(0, |sum: u32, word| {
        sum.rotate_left(5).wrapping_add(word.load(Relaxed))
    })
}
