//! Has page faults handled where nothing is mapped: every attempt faults again.

#![no_std]
#![no_main]

use programs::attack;
use user::{EnvId, Perm, page_fault, sys};

user::program!(main);

fn main() {
    // SAFETY: nothing is mapped there yet, and nothing that is ours runs any more.
    unsafe {
        sys::page_alloc(EnvId::NONE, page_fault::EXCEPTION_STACK, Perm::WRITE)
            .expect("exception stack");
        sys::env_set_pgfault_upcall(EnvId::NONE, 0xdead_beef).expect("upcall");
        attack::store(0, 0);
    }
}
