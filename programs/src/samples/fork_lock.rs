//! Two environments take turns by a spin lock.
//!
//! The hard thing is where the lock is. A lock excludes those who look at the same
//! word, and `fork` copies all words but those that are marked as shared.

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use super::{shared, start, tell_parent, wait_for_child};
use user::{println, sys};

/// How often each of the two has its turn.
const EACH: u32 = 3;

/// Both take the lock a few times at once, and see whether they are alone.
pub fn run(name: &str, lock: &AtomicU32) {
    let [inside, met] = shared();
    let work = || {
        for _ in 0..EACH {
            while lock.swap(1, SeqCst) == 1 {
                sys::yield_now();
            }
            if inside.swap(1, SeqCst) == 1 {
                met.store(1, SeqCst);
            }
            inside.store(0, SeqCst);
            lock.store(0, SeqCst);
        }
    };
    start(|| {
        work();
        tell_parent(0);
    });
    work();
    wait_for_child();
    match met.load(SeqCst) {
        0 => println!("{name}: ok"),
        _ => println!("{name}: BUG: both held the lock at once"),
    }
}
