//! Six environments take all memory at once, and everything is there again when
//! they have ended; several times over.
//!
//! The hard thing is that nobody may be spared: a hog holds what it has until all
//! others have been refused as well.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use programs::{attack, frames, lives};
use user::abi::layout::PGSIZE;
use user::{EnvId, Error, Fork, Perm, fork, println, share, sys};

const HOGS: usize = 6;
const ROUNDS: u32 = 3;
/// Nothing is there.
const FIRST_PAGE: u32 = 0x1000_0000;

struct Shared {
    /// Everybody is there.
    open: &'static AtomicU32,
    /// How many have been refused.
    refused: &'static AtomicU32,
    /// Pages that all of them have got.
    taken: &'static AtomicU32,
}

user::program!(main);

fn main() {
    let Ok([open, refused, taken, ..]) = share::words(3) else {
        panic!("no memory to share");
    };
    let shared = Shared {
        open,
        refused,
        taken,
    };
    // What a first fork costs for good is not counted.
    round(&shared, |_| {});
    let before = frames::settled();
    for _ in 0..ROUNDS {
        round(&shared, hog);
        let taken = shared.taken.load(SeqCst);
        assert!(taken > before / 2, "only {taken} of {before} were taken");
        let after = frames::settled();
        assert!(after == before, "{after} frames of {before} are back");
    }
    println!("{ROUNDS} times {HOGS} took all memory, and it is back");
}

/// Lets six children do this at the same time, and waits for their end.
fn round(shared: &Shared, deed: fn(&Shared)) {
    for word in [shared.open, shared.refused, shared.taken] {
        word.store(0, SeqCst);
    }
    let mut children = [EnvId::NONE; HOGS];
    for child in &mut children {
        match fork().expect("fork") {
            Fork::Parent(id) => *child = id,
            Fork::Child => {
                while shared.open.load(SeqCst) == 0 {
                    sys::yield_now();
                }
                deed(shared);
                user::exit()
            }
        }
    }
    shared.open.store(1, SeqCst);
    for child in children {
        lives::wait_for(child);
    }
}

fn hog(shared: &Shared) {
    let places = || (FIRST_PAGE..).step_by(PGSIZE as usize);
    let mut count = 0;
    for va in places() {
        // SAFETY: nothing of this program is there.
        match unsafe { sys::page_alloc(EnvId::NONE, va, Perm::WRITE) } {
            // SAFETY: a word of the page above.
            Ok(()) => unsafe { attack::store(va, va) },
            Err(error) => {
                assert!(error == Error::NoMem, "{}", error.message());
                break;
            }
        }
        count += 1;
    }
    shared.taken.fetch_add(count, SeqCst);
    shared.refused.fetch_add(1, SeqCst);
    while shared.refused.load(SeqCst) < HOGS as u32 {
        sys::yield_now();
    }
    for va in places().take(count as usize) {
        // SAFETY: as above.
        assert!(unsafe { attack::load(va) } == va, "{va:08x} has changed");
    }
}
