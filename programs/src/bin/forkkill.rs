//! Children that do nothing but fork are destroyed 150 times, wherever they are
//! in it; memory and slots all come back.
//!
//! The hard thing is to meet every moment: so each lives a little longer than the
//! one before it, by the time that the parent counts.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::frames;
use user::env::Env;
use user::{EnvStatus, Fork, fork, println, sys};

const KILLS: u32 = 150;
/// Steps of counting by which lives differ.
const LONGER: u32 = 400;

user::program!(main);

fn main() {
    // What a first fork costs for good is not counted.
    kill_after(0);
    wait_until_alone();
    let before = frames::settled();
    let mut in_fork = 0;
    for kill in 0..KILLS {
        if kill_after(kill * LONGER) {
            in_fork += 1;
        }
    }
    wait_until_alone();
    let after = frames::settled();
    assert!(after == before, "{after} frames of {before} are back");
    assert!(in_fork > 0, "nobody had begun to fork");
    println!("{KILLS} killed in a fork, and nothing is left of them");
}

/// Whether the child had a child by then.
fn kill_after(steps: u32) -> bool {
    match fork().expect("fork") {
        Fork::Child => {
            while let Ok(Fork::Parent(_)) = fork() {}
            user::exit()
        }
        Fork::Parent(child) => {
            // Where there is one CPU for both, it would never run.
            sys::yield_now();
            for step in 0..steps {
                core::hint::black_box(step);
            }
            let forks = Env::all().any(|env| env.parent_id() == child);
            sys::env_destroy(child).expect("it never ends by itself");
            forks
        }
    }
}

fn wait_until_alone() {
    let alive = || Env::all().filter(|env| env.status() != Some(EnvStatus::Free));
    while alive().count() > 1 {
        sys::yield_now();
    }
}
