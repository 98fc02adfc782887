//! Parent and child send each other a page with a text in it.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::Relaxed;

use user::share::{self, Page};
use user::{EnvId, Error, Fork, Perm, fork, ipc, println};

const TO_CHILD: &str = "hello child environment! how are you?";
const TO_PARENT: &str = "hello parent environment! I'm good.";
/// Longest text, in bytes.
const MAX: usize = 64;

user::program!(main);

fn main() {
    let result = match fork() {
        Ok(Fork::Parent(child)) => parent(child),
        Ok(Fork::Child) => child(),
        Err(error) => panic!("fork: {}", error.message()),
    };
    if let Err(error) = result {
        panic!("{}", error.message());
    }
}

fn parent(child: EnvId) -> Result<(), Error> {
    let page = share::page()?;
    write(page, TO_CHILD);
    ipc::send_page(child, 0, page, Perm::WRITE)?;
    receive(page, "parent", TO_PARENT)?;
    Ok(())
}

fn child() -> Result<(), Error> {
    let page = share::page()?;
    let parent = receive(page, "child", TO_CHILD)?;
    write(page, TO_PARENT);
    ipc::send_page(parent, 0, page, Perm::WRITE)
}

/// Waits for a page, prints its text and compares it. Returns who sent it.
fn receive(page: &'static Page, who: &str, expected: &str) -> Result<EnvId, Error> {
    let message = ipc::recv_page(page)?;
    let mut buffer = [0; MAX];
    let text = read(page, &mut buffer);
    println!("{:x} got message: {text}", message.from.0);
    if text == expected {
        println!("{who} received correct message");
    }
    Ok(message.from)
}

/// Writes `text`, four bytes to a word, and a NUL byte after it.
fn write(page: &Page, text: &str) {
    let mut bytes = [0; MAX];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    let (words, _) = bytes.as_chunks();
    for (to, &from) in page.iter().zip(words) {
        to.store(u32::from_le_bytes(from), Relaxed);
    }
}

/// Reads the text before the first NUL byte.
fn read<'b>(page: &Page, buffer: &'b mut [u8; MAX]) -> &'b str {
    let (words, _) = buffer.as_chunks_mut();
    for (to, from) in words.iter_mut().zip(page.iter()) {
        *to = from.load(Relaxed).to_le_bytes();
    }
    let text = buffer.split(|&byte| byte == 0).next().unwrap_or_default();
    str::from_utf8(text).unwrap_or("?")
}
