//! Twenty children, each on whatever CPU it gets: no environment may be on two
//! CPUs at once.
//!
//! The hard thing is to notice it. Each child has its own copy of a counter,
//! and adds to it by a read and a write that a second CPU in the same memory
//! would come between; then the sum is wrong.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use user::env::Env;
use user::{EnvStatus, Fork, fork, println, sys};

const CHILDREN: usize = 20;
const ROUNDS: u32 = 10;
const STEPS: u32 = 10_000;

static COUNTER: AtomicU32 = AtomicU32::new(0);

user::program!(main);

fn main() {
    let parent = Env::this();
    for _ in 0..CHILDREN {
        match fork() {
            Ok(Fork::Parent(_)) => {}
            Ok(Fork::Child) => return child(parent),
            Err(error) => panic!("fork: {}", error.message()),
        }
    }
    sys::yield_now();
}

fn child(parent: Env) {
    while parent.status() != Some(EnvStatus::Free) {
        core::hint::spin_loop();
    }
    for _ in 0..ROUNDS {
        sys::yield_now();
        for _ in 0..STEPS {
            COUNTER.store(COUNTER.load(Relaxed) + 1, Relaxed);
        }
    }
    let counter = COUNTER.load(Relaxed);
    if counter != ROUNDS * STEPS {
        panic!("ran on two CPUs at once (counter is {counter})");
    }
    let id = sys::getenvid();
    println!("[{:08x}] stresssched on CPU {}", id.0, Env::of(id).cpu());
}
