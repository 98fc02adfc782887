//! A child counts; its parent notes where it is, lets it run on, and brings it back. It
//! counts the same numbers again.
//!
//! The hard thing is to notice what did not come back. So the child counts in four places at
//! once: in a variable, on its heap, in the x87 and SSE registers, and in a page that it
//! shares with its parent, which must not come back.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use checkpoint::{Checkpoint, Page};
use programs::fpu::{Registers, Unit};
use user::abi::EnvState;
use user::abi::call::FEATURE_STATE;
use user::interface::Interface;
use user::{EnvId, Error, Fork, checkpoint as stopped, fork, println, share, sys};

/// The numbers that the child counts before it is stopped, and after that.
const EARLY: u32 = 3;
const LATE: u32 = 4;

user::heap!();
user::program!(main);

fn main() {
    if let Err(error) = run() {
        println!("no way back: {}", error.message());
    }
}

fn run() -> Result<(), Error> {
    if !Interface::get().offers(FEATURE_STATE) {
        return Err(Error::NotSupp);
    }
    let steps = &share::words(1)?[0];
    let child = match fork()? {
        Fork::Parent(child) => child,
        Fork::Child => return count(steps),
    };
    ask(child, EARLY)?;

    let mut state = Box::new(EnvState::default());
    let held = stopped::stop(child, &mut state)?;
    let mut pages = Vec::new();
    let mut refused = true;
    held.pages(|va, perm, content| {
        refused &= held.pages(|_, _, _| {}) == Err(Error::Inval);
        pages.push(Page::new(va, perm, content));
    })?;
    println!("one at a time: {refused}");
    let before = Checkpoint::new(state, pages);
    held.go_on()?;
    println!("noted; it goes on");
    let first = ask(child, LATE)?;

    let held = stopped::stop(child, &mut EnvState::default())?;
    held.restore(&before.state, before.pages())?.go_on()?;
    println!("brought back");
    let second = ask(child, LATE)?;
    println!("the same again: {}", first == second);

    let copy = Checkpoint::from_bytes(&before.to_bytes());
    let copy = copy.map_err(|_| Error::Unspecified)?;
    sys::env_destroy(child)?;
    let held = stopped::revive(&copy.state, copy.pages())?;
    let revived = held.id();
    held.go_on()?;
    println!("revived");
    let third = ask(revived, LATE)?;
    println!("the same in another child: {}", first == third);
    println!("steps that were not undone: {}", steps.load(Relaxed));
    sys::env_destroy(revived)
}

/// Has the child count so many numbers, and returns what it says.
fn ask(child: EnvId, count: u32) -> Result<Vec<u32>, Error> {
    let answers = (0..count).map(|_| sys::ipc_call(child, [0; 2]));
    answers.map(|answer| answer.map(|[sum, _]| sum)).collect()
}

/// Counts a number whenever somebody asks, and answers with the sum of all numbers. Between
/// two questions it waits.
fn count(steps: &AtomicU32) -> Result<(), Error> {
    // SAFETY: this program has no floating-point number and no 64-bit atomic.
    let unit = unsafe { Unit::take_over() };
    let mut numbers: Vec<u32> = Vec::new();
    unit.load(&Registers::pattern(0));
    let (mut client, _) = sys::ipc_reply(EnvId::NONE, [0; 2])?;
    for number in 1.. {
        let kept = unit.store() == Registers::pattern(number - 1);
        steps.fetch_add(1, Relaxed);
        numbers.push(number);
        let sum: u32 = numbers.iter().sum();
        println!("number {number}, sum {sum}, registers kept: {kept}");
        unit.load(&Registers::pattern(number));
        (client, _) = sys::ipc_reply(client, [sum, 0])?;
    }
    Ok(())
}
