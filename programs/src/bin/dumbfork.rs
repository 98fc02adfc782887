//! Makes a copy of itself by copying every page, then takes turns with it.
//!
//! The simplest fork there is. The hard thing, when to copy the stack, is
//! explained in the library's `exofork`.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::abi::layout::{PGSIZE, USTACKTOP};
use user::exofork::{NewEnv, exofork};
use user::{Error, Fork, println, sys, vm};

user::program!(main);

fn main() {
    let (who, turns) = match exofork(copy_program_and_stack) {
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
        child.copy_page(page)?;
    }
    child.copy_page(USTACKTOP - PGSIZE)?;
    child.start()
}
