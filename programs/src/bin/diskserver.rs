//! Gives blocks of a disk to whoever asks: a message is a block's number, the
//! answer is 0 and the block as a page that may be read, or the number of an
//! error. With a page, a message has that written as the block. For `--with type=fs:diskserver --disk FILE`.
//!
//! Like JOS's file server, it trusts its clients in one thing: one that asks
//! and does not wait for the answer holds up all others until it dies.

#![no_std]
#![no_main]

use programs::disk_map::DiskMap;
use user::ipc::{self, Message};
use user::share::Page;
use user::{Error, Perm, println};

/// What is to be written.
static CONTENT: Page = Page::zeroed();

user::program!(main);

fn main() {
    // SAFETY: this program has no heap and no memory but its blocks.
    let disk = match unsafe { DiskMap::new() } {
        Ok(Some(disk)) => disk,
        Ok(None) => return println!("disk server: there is no second disk"),
        Err(error) => panic!("{}", error.message()),
    };
    println!("disk server: {} blocks", disk.blocks());
    loop {
        if let Ok(request) = ipc::recv_page(&CONTENT) {
            // It fails if the client is gone, which is not our concern.
            let _ = answer(&disk, request);
        }
    }
}

fn answer(disk: &DiskMap, request: Message) -> Result<(), Error> {
    if request.perm.contains(Perm::READ) {
        let stored = disk.store(request.value, &CONTENT);
        return ipc::send(
            request.from,
            stored.map_or_else(|error| error as u32, |()| 0),
        );
    }
    match disk.block(request.value) {
        Some(block) => ipc::send_page(request.from, 0, block, Perm::READ),
        None => ipc::send(request.from, Error::NotFound as u32),
    }
}
