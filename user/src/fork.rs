//! `fork`: a child with a copy of everything.
//!
//! The copy is made at once, page by page: what may be written is copied, what
//! may not, and what is marked as shared, is mapped into both. The hard thing,
//! that the parent copies the very stack it runs on, is [`crate::exofork`]'s.

use abi::layout::{UTEMP, UTOP};
use abi::{Error, Perm};

use crate::env::Env;
use crate::exofork::{Fork, NewEnv, exofork};
use crate::{interface::Interface, sys, vm};

/// Makes a child that goes on here, in a copy of this environment's memory.
///
/// # Errors
/// `NoFreeEnv`, `NoMem`; then there is no child.
pub fn fork() -> Result<Fork, Error> {
    // Many calls follow: find the fast entry first.
    Interface::get();
    exofork(copy_everything)
}

fn copy_everything(child: NewEnv) -> Result<(), Error> {
    for va in vm::mapped(0..UTOP).filter(|&va| va != UTEMP) {
        let perm = vm::perm(va).unwrap_or(Perm::empty());
        if perm.contains(Perm::W) && !perm.contains(Perm::SHARE) {
            child.copy_page(va)?;
        } else {
            child.share_page(va)?;
        }
    }
    let upcall = Env::this().pgfault_upcall();
    if upcall != 0 {
        // SAFETY: the child has the same code, data and exception stack, so
        // what serves the parent serves it.
        unsafe { sys::env_set_pgfault_upcall(child.id(), upcall)? };
    }
    child.start()
}
