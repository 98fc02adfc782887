//! Asks for page-fault upcalls without an exception stack for them.

#![no_std]
#![no_main]

use programs::attack;
use user::{EnvId, page_fault, sys};

user::program!(main);

fn main() {
    // SAFETY: the right upcall, and a fault that ends us.
    unsafe {
        sys::env_set_pgfault_upcall(EnvId::NONE, page_fault::entry()).expect("upcall");
        attack::store(0, 0);
    }
}
