//! A page in each of the 955 page tables that an environment can have: a small
//! program with a large address space. When it dies, all of that comes back.

#![no_std]
#![no_main]

use programs::attack;
use user::abi::layout::{PTSIZE, USTACKTOP};
use user::env::Env;
use user::{EnvId, EnvStatus, Fork, Perm, fork, println, sys, vm};

/// Together they take more memory than the machine has.
const LIVES: u32 = 20;
/// In the middle of what each table maps: no program is there, and no stack.
const OFFSET: u32 = PTSIZE / 2;

user::program!(main);

fn main() {
    for _ in 0..LIVES {
        match fork().expect("fork") {
            Fork::Child => return touch_every_table(),
            Fork::Parent(child) => {
                while Env::of(child).status() != Some(EnvStatus::Free) {
                    sys::yield_now();
                }
            }
        }
    }
    println!("{LIVES} lives, and memory for all of them");
}

fn touch_every_table() {
    let places = || (OFFSET..USTACKTOP).step_by(PTSIZE as usize);
    for va in places() {
        assert!(vm::perm(va).is_none(), "{va:08x} is in use");
        // SAFETY: nothing is there.
        unsafe {
            sys::page_alloc(EnvId::NONE, va, Perm::WRITE).expect("page_alloc");
            attack::store(va, va);
        }
    }
    for va in places() {
        // SAFETY: a word of the page above.
        assert!(unsafe { attack::load(va) } == va, "{va:08x} has changed");
    }
}
