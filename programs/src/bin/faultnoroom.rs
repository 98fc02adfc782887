//! Tells a fault handler, which writes a text, of a fault just below memory that
//! is in use: the text must not go on there.
//!
//! The hard thing is that there was no fault: a handler is an ordinary function,
//! and safe code may call it with any frame.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::Relaxed;

use programs::{demand, lives};
use user::abi::UTrapFrame;
use user::{Fork, fork, println, share};

user::program!(main);

fn main() {
    let word = &share::words(1).expect("memory")[0];
    let fault = UTrapFrame {
        fault_va: word.as_ptr() as u32 - 16,
        ..UTrapFrame::default()
    };
    match fork().expect("fork") {
        Fork::Child => demand::fault_in(&fault),
        Fork::Parent(child) => {
            lives::wait_for(child);
            println!("the word above is {:x}", word.load(Relaxed));
        }
    }
}
