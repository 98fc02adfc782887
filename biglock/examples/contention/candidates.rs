//! The locks that were considered, as textbooks have them.
//!
//! The hard thing is to be fair to each: every spin has a pause, every word
//! that somebody spins on has a cache line of its own, and a queue's nodes are
//! numbered rather than allocated, as a kernel's would be.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use biglock::BigLock;

/// The most threads that can take part: a [`Mcs`] lock has a node for each.
pub const MAX_THREADS: usize = 8;

/// A lock in the contest.
pub trait Candidate: Default + Sync {
    /// Runs `body` with the lock held; `me` is the thread's number, and `pause`
    /// is called in each spin.
    fn with(&self, me: usize, pause: impl Fn(), body: impl FnOnce());
}

/// The lock of this crate.
impl Candidate for BigLock<()> {
    fn with(&self, _: usize, pause: impl Fn(), body: impl FnOnce()) {
        let _guard = self.lock(pause);
        body();
    }
}

/// Test, then test and set.
#[derive(Default)]
#[repr(align(64))]
pub struct Ttas(AtomicBool);

impl Candidate for Ttas {
    fn with(&self, _: usize, pause: impl Fn(), body: impl FnOnce()) {
        while self.0.swap(true, Ordering::Acquire) {
            while self.0.load(Ordering::Relaxed) {
                spin_loop();
                pause();
            }
        }
        body();
        self.0.store(false, Ordering::Release);
    }
}

/// The same, with up to 256 pauses after each failure, twice as many each time.
#[derive(Default)]
#[repr(align(64))]
pub struct Backoff(AtomicBool);

impl Candidate for Backoff {
    fn with(&self, _: usize, pause: impl Fn(), body: impl FnOnce()) {
        let mut pauses = 1;
        while self.0.load(Ordering::Relaxed) || self.0.swap(true, Ordering::Acquire) {
            (0..pauses).for_each(|_| {
                spin_loop();
                pause();
            });
            pauses = (pauses * 2).min(256);
        }
        body();
        self.0.store(false, Ordering::Release);
    }
}

/// First come, first served, by numbers.
#[derive(Default)]
#[repr(align(64))]
pub struct Ticket {
    next: AtomicU32,
    serving: AtomicU32,
}

impl Candidate for Ticket {
    fn with(&self, _: usize, pause: impl Fn(), body: impl FnOnce()) {
        let mine = self.next.fetch_add(1, Ordering::Relaxed);
        while self.serving.load(Ordering::Acquire) != mine {
            spin_loop();
            pause();
        }
        body();
        self.serving.store(mine.wrapping_add(1), Ordering::Release);
    }
}

/// First come, first served, by a queue in which each spins on its own word
/// (Mellor-Crummey and Scott, 1991). Nodes are numbered from 1, 0 is none.
#[derive(Default)]
pub struct Mcs {
    tail: AtomicUsize,
    nodes: [Node; MAX_THREADS],
}

#[derive(Default)]
#[repr(align(64))]
struct Node {
    next: AtomicUsize,
    waiting: AtomicBool,
}

impl Candidate for Mcs {
    fn with(&self, me: usize, pause: impl Fn(), body: impl FnOnce()) {
        let node = &self.nodes[me];
        node.next.store(0, Ordering::Relaxed);
        node.waiting.store(true, Ordering::Relaxed);
        let before = self.tail.swap(me + 1, Ordering::AcqRel);
        if before != 0 {
            self.nodes[before - 1].next.store(me + 1, Ordering::Release);
            while node.waiting.load(Ordering::Acquire) {
                spin_loop();
                pause();
            }
        }
        body();
        self.release(me, pause);
    }
}

impl Mcs {
    fn release(&self, me: usize, pause: impl Fn()) {
        let node = &self.nodes[me];
        let nobody_behind = || {
            let swap = |order, failed| self.tail.compare_exchange(me + 1, 0, order, failed);
            swap(Ordering::Release, Ordering::Relaxed).is_ok()
        };
        if node.next.load(Ordering::Acquire) == 0 {
            if nobody_behind() {
                return;
            }
            while node.next.load(Ordering::Acquire) == 0 {
                spin_loop();
                pause();
            }
        }
        let next = node.next.load(Ordering::Relaxed);
        self.nodes[next - 1].waiting.store(false, Ordering::Release);
    }
}
