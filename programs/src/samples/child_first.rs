//! A parent uses what its child has prepared.
//!
//! The hard thing is that nothing says who is first, but what the two themselves say.

use core::sync::atomic::Ordering::SeqCst;

use super::{shared, tell_parent};
use user::{Fork, fork, println};

const ANSWER: u32 = 42;

/// The parent calls `wait`, and expects the child to have written by then.
pub fn run(name: &str, wait: impl Fn()) {
    let [answer] = shared();
    if fork().expect("fork") == Fork::Child {
        answer.store(ANSWER, SeqCst);
        tell_parent(0);
        user::exit();
    }
    wait();
    match answer.load(SeqCst) {
        ANSWER => println!("{name}: ok"),
        _ => println!("{name}: BUG: the child has not written yet"),
    }
}
