//! A ring buffer without a barrier: right, but for processors with store buffers.
//!
//! `Release` and `Acquire` keep an item before the word that announces it. They do not
//! keep a store before a later load of another word, as that of the flag that says
//! who sleeps. Then the consumer sleeps for ever, and there is no line `ring: ok`.
//! `ringfixed` is the mended twin.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::Release;

use programs::samples::ring;

user::program!(main);

fn main() {
    ring::run("ring", |word, value| word.store(value, Release));
}
