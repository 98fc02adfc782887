//! Children that nobody started die with their parent: only it could have
//! started them, and their slots would be lost.

#![no_std]
#![no_main]

use user::env::Env;
use user::{EnvStatus, Fork, fork, println, sys};

/// More children in all than there are slots.
const FAMILIES: u32 = 18;
const CHILDREN: u32 = 60;

user::program!(main);

fn main() {
    for _ in 0..FAMILIES {
        match fork().expect("fork") {
            Fork::Parent(parent) => {
                while Env::of(parent).status() != Some(EnvStatus::Free) {
                    sys::yield_now();
                }
            }
            Fork::Child => {
                for _ in 0..CHILDREN {
                    // SAFETY: it never runs.
                    unsafe { sys::exofork() }.expect("exofork");
                }
                return;
            }
        }
    }
    // All slots but this environment's own become free.
    let left = || Env::all().filter(|env| env.status() != Some(EnvStatus::Free));
    while left().count() > 1 {
        sys::yield_now();
    }
    println!("{} orphans, and none is left over", FAMILIES * CHILDREN);
}
