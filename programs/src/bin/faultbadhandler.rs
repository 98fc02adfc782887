//! Has page faults handled where nothing is mapped: every attempt faults again.

#![no_std]
#![no_main]

use programs::attack;
use user::{EnvId, page_fault, sys, vm};

user::program!(main);

fn main() {
    vm::allocate(page_fault::EXCEPTION_STACK).expect("exception stack");
    // SAFETY: nothing that is ours runs any more.
    unsafe {
        sys::env_set_pgfault_upcall(EnvId::NONE, 0xdead_beef).expect("upcall");
        attack::store(0, 0);
    }
}
