//! An id is good for one life: that of a dead environment names nobody, not
//! even whoever has its slot now.

#![no_std]
#![no_main]

use user::{EnvId, EnvStatus, Error, Perm, ipc, println, sys};

const PAGE: u32 = 0xa000_0000;
const LIVES: u32 = 100;

user::program!(main);

fn main() {
    let mut dead = EnvId::NONE;
    for _ in 0..LIVES {
        // SAFETY: it never runs.
        let id = unsafe { sys::exofork() }.expect("exofork");
        assert!(dead == EnvId::NONE || id.slot() == dead.slot() && id != dead);
        refused(dead);
        sys::env_destroy(id).expect("env_destroy");
        refused(id);
        dead = id;
    }
    println!(
        "{LIVES} lives in slot {:x}, each with an id of its own",
        dead.slot()
    );
}

/// Every call that takes an id must refuse this one. (None at all means the
/// caller itself.)
fn refused(dead: EnvId) {
    if dead == EnvId::NONE {
        return;
    }
    let me = EnvId::NONE;
    // SAFETY: nothing of this program lives at PAGE; and what happens to
    // another environment is no matter of ours.
    let answers = unsafe {
        [
            sys::env_set_status(dead, EnvStatus::Runnable),
            sys::page_alloc(dead, PAGE, Perm::WRITE),
            sys::page_map(dead, PAGE, me, PAGE, Perm::READ),
            sys::page_map(me, PAGE, dead, PAGE, Perm::READ),
            sys::page_unmap(dead, PAGE),
            sys::env_set_pgfault_upcall(dead, PAGE),
            sys::ipc_try_send(dead, 1),
            ipc::send(dead, 1),
            sys::env_destroy(dead),
        ]
    };
    for (number, answer) in answers.into_iter().enumerate() {
        assert!(answer == Err(Error::BadEnv), "answer {number}: {answer:?}");
    }
}
