//! Has page faults handled in the kernel: every attempt faults again.

#![no_std]
#![no_main]

use programs::attack;
use user::{EnvId, page_fault, sys, vm};

user::program!(main);

fn main() {
    vm::allocate(page_fault::EXCEPTION_STACK).expect("exception stack");
    // SAFETY: nothing that is ours runs any more.
    unsafe {
        sys::env_set_pgfault_upcall(EnvId::NONE, 0xf010_0020).expect("upcall");
        attack::store(0, 0);
    }
}
