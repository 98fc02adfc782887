//! `sfork`: two environments with one memory and two stacks.
//!
//! Each must find out who it is, see what the other writes to a static, and not see what it
//! writes to a variable. The hard thing is that only one of the two may use what owns
//! something: so there is nothing of that kind on the stack.

#![no_std]
#![no_main]

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::SeqCst;

use user::env::Env;
use user::sync::Mutex;
use user::{EnvId, Error, Fork, println, sfork, sys};

/// How often each counts.
const COUNTS: u32 = 10_000;

/// Written by one of the two, read by the other.
static WORD: AtomicU32 = AtomicU32::new(0);
/// Counted by both.
static COUNTER: Mutex<u32> = Mutex::new(0);

user::program!(main);

fn main() {
    if let Err(error) = run() {
        println!("sfork: {}", error.message());
    }
}

fn run() -> Result<(), Error> {
    let parent = sys::getenvid();
    let mut local = 1;
    // So that it is in memory.
    let local = core::hint::black_box(&mut local);
    // SAFETY: nothing on the stack owns anything, and no reference to the stack is elsewhere.
    match unsafe { sfork()? } {
        Fork::Child => {
            assert!(is_this(sys::getenvid()) && !is_this(parent), "who it is");
            wait_for(1)?;
            println!("the child sees what the parent wrote, and has its own {local}");
            *local = 3;
            WORD.store(2, SeqCst);
            sys::futex_wake(&WORD, 1)?;
            count();
            assert!(*local == 3, "a stack of its own");
        }
        Fork::Parent(child) => {
            assert!(is_this(parent) && !is_this(child), "who it is");
            *local = 2;
            WORD.store(1, SeqCst);
            sys::futex_wake(&WORD, 1)?;
            wait_for(2)?;
            println!("the parent sees what the child wrote, and has its own {local}");
            count();
            // Until it is dead.
            while sys::futex_wait(&WORD, 2, child) != Err(Error::BadEnv) {}
            assert!(is_this(parent), "still who it is");
            if let Ok(counter) = COUNTER.lock() {
                println!("both counted to {}", *counter);
            }
        }
    }
    Ok(())
}

/// Whether the caller is `id`, as far as it remembers.
fn is_this(id: EnvId) -> bool {
    Env::this().id() == id
}

/// Waits until the word has this value.
fn wait_for(value: u32) -> Result<(), Error> {
    loop {
        let found = WORD.load(SeqCst);
        if found == value {
            return Ok(());
        }
        sys::futex_wait(&WORD, found, EnvId::NONE)?;
    }
}

fn count() {
    for _ in 0..COUNTS {
        if let Ok(mut counter) = COUNTER.lock() {
            *counter += 1;
        }
    }
}
