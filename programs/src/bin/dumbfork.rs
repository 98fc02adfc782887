//! Makes a copy of itself by copying every page, then takes turns with it.
//!
//! The simplest fork there is. The hard thing, when to copy the stack, is
//! explained in the library's `exofork`.

#![no_std]
#![no_main]

use user::abi::layout::{PGSIZE, USTACKTOP};
use user::exofork::{NewEnv, exofork};
use user::{Error, Fork, println, sys, vm};

user::program!(main);

fn main() {
    // SAFETY: this program has no heap and shares nothing, and the kernel gave it
    // one page of stack: what is copied is all that it has.
    let forked = unsafe { exofork(copy_program_and_stack) };
    let (who, turns) = match forked {
        Ok(Fork::Parent(_)) => ("parent", 10),
        Ok(Fork::Child) => ("child", 20),
        Err(error) => panic!("exofork: {}", error.message()),
    };
    for turn in 0..turns {
        println!("{turn}: I am the {who}!");
        sys::yield_now();
    }
}

fn copy_program_and_stack(child: NewEnv) -> Result<(), Error> {
    for page in vm::program() {
        // SAFETY: see `main`.
        unsafe { child.copy_page(page)? };
    }
    // SAFETY: see `main`.
    unsafe { child.copy_page(USTACKTOP - PGSIZE)? };
    child.start()
}
