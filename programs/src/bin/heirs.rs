//! Ids come round: after 524,287 lives in a slot, a stranger has the id of somebody long
//! dead. The children of the dead are not its own all the same.
//!
//! The hard thing is to stop in time: the stranger must run, so it is made by a fork,
//! when one life is left.

#![no_std]
#![no_main]

use core::sync::atomic::Ordering::SeqCst;

use programs::lives;
use user::{EnvId, Error, Fork, fork, println, share, sys};

/// Where in an id the number of the life begins, and the last such number.
const LIFE: u32 = 12;
const LAST: i32 = 0x7ffff;

user::program!(main);

fn main() {
    let words = share::words(2).expect("memory to share");
    let (orphan, is_over) = (&words[0], &words[1]);
    let Fork::Parent(dead) = fork().expect("fork") else {
        let Fork::Parent(child) = fork().expect("fork") else {
            while is_over.load(SeqCst) == 0 {
                sys::yield_now();
            }
            user::exit()
        };
        orphan.store(child.0 as u32, SeqCst);
        user::exit()
    };
    lives::wait_for(dead);
    let orphan = EnvId(orphan.load(SeqCst) as i32);
    live_until_before(dead);
    let Fork::Parent(stranger) = fork().expect("fork") else {
        let answer = sys::env_destroy(orphan);
        let is_kept = answer == Err(Error::BadEnv);
        if !is_kept {
            println!("heirs: BUG: a stranger ended another's child");
        }
        user::exit()
    };
    assert!(stranger == dead, "the id has not come round");
    lives::wait_for(stranger);
    is_over.store(1, SeqCst);
    println!("heirs: all was tried");
}

/// Makes and destroys children in a slot, until the next one there has this id.
fn live_until_before(id: EnvId) {
    let life = |id: EnvId| id.0 >> LIFE;
    let last = match life(id) {
        1 => LAST,
        life => life - 1,
    };
    loop {
        // SAFETY: it never runs.
        let child = unsafe { sys::exofork() }.expect("exofork");
        assert!(child.slot() == id.slot(), "another slot");
        sys::env_destroy(child).expect("env_destroy");
        if life(child) == last {
            return;
        }
    }
}
