//! A parent changes a page under a child that reads it on another CPU: what
//! the kernel says is changed must be changed there too.
//!
//! The hard thing is to notice a translation that lives on in the other CPU's
//! TLB. So the two pages take turns, and the one taken away keeps its old
//! number: a child that was told of round n and reads less than n looked
//! through a mapping that is no more.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use programs::attack;
use user::env::Env;
use user::{EnvId, EnvStatus, Fork, Perm, fork, println, share, sys};

const ROUNDS: u32 = 1000;
/// Where the child has the page that changes.
const WINDOW: u32 = 0xa000_0000;
/// Where the parent has the two pages that take turns there.
const PAGES: [u32; 2] = [0xa100_0000, 0xa100_1000];

struct Shared {
    /// The number of the round that has been mapped.
    told: &'static AtomicU32,
    /// The highest round that the child has seen.
    seen: &'static AtomicU32,
    /// How often the child saw an older round than it had been told of.
    stale: &'static AtomicU32,
}

user::program!(main);

fn main() {
    let Ok([told, seen, stale, ..]) = share::words(3) else {
        panic!("no memory to share");
    };
    let shared = Shared { told, seen, stale };
    for page in PAGES {
        // SAFETY: nothing of this program lives there.
        unsafe { sys::page_alloc(EnvId::NONE, page, Perm::WRITE) }.expect("page_alloc");
    }
    match fork().expect("fork") {
        Fork::Child => child(&shared),
        Fork::Parent(child) => parent(&shared, child),
    }
}

fn child(shared: &Shared) {
    while shared.told.load(SeqCst) == 0 {
        sys::yield_now();
    }
    let mut turns = 0u32;
    loop {
        let told = shared.told.load(SeqCst);
        // SAFETY: mapped by the parent before it told the first round; in the
        // end a fault ends this environment.
        let read = unsafe { attack::load(WINDOW) };
        if read < told {
            shared.stale.fetch_add(1, SeqCst);
        }
        shared.seen.fetch_max(read, SeqCst);
        // Mostly in user mode, where only an interrupt reaches this CPU; but
        // with one CPU for both, let the parent go on.
        turns += 1;
        if turns.is_multiple_of(256) {
            sys::yield_now();
        }
    }
}

fn parent(shared: &Shared, child: EnvId) {
    for round in 1..=ROUNDS {
        let page = PAGES[round as usize % 2];
        // SAFETY: allocated above for this; the child expects any mapping.
        unsafe {
            attack::store(page, round);
            sys::page_map(EnvId::NONE, page, child, WINDOW, Perm::READ).expect("page_map");
        }
        shared.told.store(round, SeqCst);
        wait(shared, || shared.seen.load(SeqCst) >= round);
    }
    println!("revoke: {ROUNDS} mappings replaced");
    // SAFETY: the child expects to fault.
    unsafe { sys::page_unmap(child, WINDOW) }.expect("page_unmap");
    wait(shared, || Env::of(child).status() == Some(EnvStatus::Free));
    match shared.stale.load(SeqCst) {
        0 => println!("revoke: no stale translation was used"),
        stale => println!("revoke: {stale} reads went through a stale translation"),
    }
}

/// Until `done`, or until the child has seen something that it must not.
fn wait(shared: &Shared, done: impl Fn() -> bool) {
    while !done() && shared.stale.load(SeqCst) == 0 {
        sys::yield_now();
    }
}
