//! Well-known kinds of concurrency bugs, each as small as it gets.
//!
//! Every kind is two programs: one with the bug, and its mended twin, whose name ends
//! in `fixed`. Here is what the two have in common; the line in which they differ is
//! an argument, and stands in `src/bin`. A run takes a few thousand instructions, so that
//! many schedules can be tried.
//!
//! The hard thing is the symptom, which must be seen from outside. A program prints
//! one line, `NAME: ok` or `NAME: BUG: ...`. One that sleeps for ever prints neither: the
//! run ends all the same, for nobody can run, but without the line
//! `[00001000] exiting gracefully`.

use core::sync::atomic::AtomicU32;

use user::env::Env;
use user::{EnvId, Fork, fork, ipc, share};

pub mod child_first;
pub mod fork_lock;
pub mod lost_wake;
pub mod racy_count;
pub mod ring;
pub mod torn_read;

/// Words of zero that children will share.
fn shared<const N: usize>() -> &'static [AtomicU32; N] {
    let words = share::words(N).ok();
    words
        .and_then(|words| words.try_into().ok())
        .expect("memory to share")
}

/// Has a child do `work`; returns when it is about to begin.
fn start(work: impl FnOnce()) -> EnvId {
    match fork().expect("fork") {
        Fork::Parent(child) => {
            wait_for_child();
            child
        }
        Fork::Child => {
            tell_parent(0);
            work();
            user::exit()
        }
    }
}

/// Tells the parent something, when it receives.
fn tell_parent(what: u32) {
    // A parent that did not wait may be gone.
    let _ = ipc::send(Env::this().parent_id(), what);
}

/// Sleeps until a child tells something, and returns that.
pub fn wait_for_child() -> u32 {
    ipc::recv().expect("nobody cancels it").value
}
