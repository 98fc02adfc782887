//! A watchman looks in the public table whether somebody was stopped.
//!
//! The hard thing is that a slot has one owner after the other. Two fields that are read
//! one after the other may be of two lives.

use core::sync::atomic::Ordering::SeqCst;

use super::{shared, start, tell_parent, wait_for_child};
use crate::lives;
use user::env::Env;
use user::{EnvId, EnvStatus, Fork, fork, println, sys};

/// Who has a slot, and what it is doing.
pub type Entry = (EnvId, Option<EnvStatus>);

/// One environment ends, and another, which is never started, gets its slot, while a
/// watchman looks there by `look`.
pub fn run(name: &str, look: impl Fn(Env) -> Entry) {
    let [watched] = shared();
    start(|| {
        while watched.load(SeqCst) == 0 {
            sys::yield_now();
        }
        let id = EnvId(watched.load(SeqCst) as i32);
        tell_parent(u32::from(was_stopped(id, look)));
    });
    let Fork::Parent(first) = fork().expect("fork") else {
        user::exit();
    };
    watched.store(first.0 as u32, SeqCst);
    lives::wait_for(first);
    // SAFETY: it never runs.
    let second = unsafe { sys::exofork() }.expect("exofork");
    let stopped = wait_for_child() != 0;
    sys::env_destroy(second).expect("it never ran");
    if stopped {
        println!("{name}: BUG: {:x} was never stopped, but seen so", first.0);
    } else {
        println!("{name}: ok");
    }
}

/// Whether `env`, which is running, is seen stopped before its slot is another's.
fn was_stopped(env: EnvId, look: impl Fn(Env) -> Entry) -> bool {
    loop {
        match look(Env::of(env)) {
            (id, _) if id != env => return false,
            (_, Some(EnvStatus::NotRunnable)) => return true,
            _ => sys::yield_now(),
        }
    }
}
