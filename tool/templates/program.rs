//! Has a child double a number.
//!
//! This text is what `help` at the prompt says of the program. What a program can call
//! is in the crate `user`: `./jostle doc` shows it.

// There is no operating system below but the kernel: no standard library, and a `main`
// that is named to `user` instead of to Rust.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::{Error, Fork, fork, ipc, println, sys};

user::program!(main);

fn main() {
    println!("NAME: I am environment {}", sys::getenvid());
    if let Err(error) = double(21) {
        // Its text, and where it happened, come to the console.
        panic!("{error}");
    }
}

/// Has a child, sends it a number, and prints its answer.
fn double(number: u32) -> Result<(), Error> {
    // One environment calls, two return: the child has a copy of all memory, this place
    // in the program included.
    match fork()? {
        Fork::Parent(child) => {
            // A message is a word. This waits until the child receives.
            ipc::send(child, number)?;
            let answer = ipc::recv()?;
            println!("NAME: {} answers {}", answer.from, answer.value);
        }
        Fork::Child => {
            let question = ipc::recv()?;
            ipc::send(question.from, 2 * question.value)?;
        }
    }
    Ok(())
}
