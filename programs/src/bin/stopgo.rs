//! A child that makes calls without end is stopped and started again, hundreds
//! of times, from another CPU: each of its calls is made once, and answered to it.
//!
//! The hard thing is to stop it while it waits for the kernel's lock. So others
//! make calls as well, which keeps the lock busy, and the child checks every
//! answer: what it asks for is different each time.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use programs::attack;
use user::{EnvId, EnvStatus, Fork, Perm, fork, println, share, sys};

const STOPS: u32 = 800;
const NEIGHBOURS: usize = 2;
/// Two places of which the child has one after the other.
const PLACES: [u32; 2] = [0xa000_0000, 0xa000_1000];

user::program!(main);

fn main() {
    let Ok([calls, wrong, ..]) = share::words(2) else {
        panic!("no memory to share");
    };
    let mut others = [EnvId::NONE; NEIGHBOURS];
    for other in &mut others {
        match fork().expect("fork") {
            Fork::Parent(id) => *other = id,
            Fork::Child => loop {
                sys::yield_now();
            },
        }
    }
    let child = match fork().expect("fork") {
        Fork::Parent(id) => id,
        Fork::Child => call_for_ever(calls, wrong),
    };
    for stop in 0..STOPS {
        let before = calls.load(SeqCst);
        for status in [EnvStatus::NotRunnable, EnvStatus::Runnable] {
            // SAFETY: `fork` has completed the child and let it run.
            unsafe { sys::env_set_status(child, status) }.expect("it never ends");
        }
        // Every now and then it gets somewhere.
        while stop % 16 == 0 && calls.load(SeqCst) == before {
            sys::yield_now();
        }
    }
    let (calls, wrong) = (calls.load(SeqCst), wrong.load(SeqCst));
    for id in others.into_iter().chain([child]) {
        sys::env_destroy(id).expect("they never end");
    }
    assert!(calls >= STOPS / 16, "only {calls} calls");
    println!("stopped {STOPS} times, wrong answers: {wrong}");
}

/// Moves a page back and forth, and looks whether it is where it should be.
fn call_for_ever(calls: &AtomicU32, wrong: &AtomicU32) -> ! {
    // SAFETY: nothing of this program is at those places, here and below.
    unsafe { sys::page_alloc(EnvId::NONE, PLACES[0], Perm::WRITE) }.expect("page_alloc");
    let own = sys::getenvid();
    for round in 0u32.. {
        let (from, to) = (PLACES[round as usize % 2], PLACES[(round as usize + 1) % 2]);
        // SAFETY: as above; the page has no Rust object in it.
        let right = unsafe {
            attack::store(from, round);
            let mapped = sys::page_map(EnvId::NONE, from, EnvId::NONE, to, Perm::WRITE);
            let unmapped = sys::page_unmap(EnvId::NONE, from);
            let invalid = sys::page_map(EnvId::NONE, from, EnvId::NONE, to, Perm::WRITE);
            mapped.is_ok() && unmapped.is_ok() && invalid.is_err() && attack::load(to) == round
        };
        if !right || sys::getenvid() != own {
            wrong.fetch_add(1, SeqCst);
        }
        calls.fetch_add(1, SeqCst);
    }
    unreachable!("for ever")
}
