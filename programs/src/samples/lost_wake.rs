//! Sleep and wake-up, as in a kernel: who finds nothing to do sleeps, who brings
//! something wakes it.
//!
//! The hard thing is the moment between looking and sleeping. A wake-up that comes
//! then finds nobody asleep.

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use super::{shared, start};
use user::{EnvId, ipc, println, sys};

/// How many things the child brings. A wake-up that is lost before the last does no harm.
const THINGS: u32 = 2;

/// Somebody to be woken.
pub struct Sleeper {
    id: EnvId,
    /// Whether it is asleep, or on the way.
    sleepy: &'static AtomicU32,
}

impl Sleeper {
    /// Wakes it if it sleeps; returns whether it did.
    pub fn wake(&self) -> bool {
        sys::ipc_try_send(self.id, 0).is_ok()
    }

    /// Whether it has looked, or will, and may go to sleep on what it saw.
    pub fn is_sleepy(&self) -> bool {
        self.sleepy.load(SeqCst) != 0
    }

    /// Sleeps until that many are ready.
    fn sleep_until(&self, ready: &AtomicU32, count: u32) {
        self.sleepy.store(1, SeqCst);
        while ready.load(SeqCst) < count {
            // Here.
            ipc::recv().expect("nobody cancels it");
        }
        self.sleepy.store(0, SeqCst);
    }
}

/// The child brings a few things, and calls `wake_up` after each.
pub fn run(name: &str, wake_up: impl Fn(&Sleeper)) {
    let [ready, sleepy] = shared();
    let id = sys::getenvid();
    let sleeper = Sleeper { id, sleepy };
    start(|| {
        for _ in 0..THINGS {
            ready.fetch_add(1, SeqCst);
            wake_up(&sleeper);
        }
    });
    for count in 1..=THINGS {
        sleeper.sleep_until(ready, count);
    }
    println!("{name}: ok");
}
