//! Kills a child that never gives up its CPU: shows that the timer pre-empts.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::{Fork, fork, println, sys};

user::program!(main);

fn main() {
    println!("I am the parent.  Forking the child...");
    let child = match fork() {
        Ok(Fork::Parent(child)) => child,
        Ok(Fork::Child) => {
            println!("I am the child.  Spinning...");
            loop {
                core::hint::spin_loop();
            }
        }
        Err(error) => panic!("fork: {}", error.message()),
    };

    println!("I am the parent.  Running the child...");
    for _ in 0..8 {
        sys::yield_now();
    }

    println!("I am the parent.  Killing the child...");
    if let Err(error) = sys::env_destroy(child) {
        panic!("env_destroy: {}", error.message());
    }
}
