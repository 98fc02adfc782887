//! `fork`: a child with a copy of everything.
//!
//! [`fork()`] copies when it must: a page that may be written is shared until
//! somebody writes it, see `copy_on_write`. Three
//! kinds of pages are treated otherwise: what is marked as shared stays shared,
//! what may not be written can be, and
//!
//! - the page with the stack in use is copied at once: both will write it
//!   before anything else, and one copy is cheaper than two faults and two
//!   copies;
//! - the exception stack is never shared: a fault in it could not be handled.
//!   The child gets an empty one.
//!
//! [`eager_fork`] copies everything at once, for kernels without upcalls.
//!
//! The hard thing, that the parent gives away the very stack it runs on, is
//! [`crate::exofork`]'s.

use abi::layout::{PGSIZE, UTOP};
use abi::{Error, Perm};

use crate::env::Env;
use crate::exofork::{self, Fork, NewEnv, exofork};
use crate::page_fault::{self, EXCEPTION_STACK};
use crate::{copy_on_write, interface::Interface, sys, vm};

/// Makes a child that goes on here, in a copy of this environment's memory.
///
/// # Errors
/// `NoFreeEnv`, `NoMem`; then there is no child.
pub fn fork() -> Result<Fork, Error> {
    match page_fault::enable() {
        Ok(()) => exofork(share_memory),
        Err(Error::Inval) => eager_fork(),
        Err(error) => Err(error),
    }
}

/// As [`fork()`], but with a copy that is made at once and needs no faults.
///
/// # Errors
/// `NoFreeEnv`, `NoMem`; then there is no child.
pub fn eager_fork() -> Result<Fork, Error> {
    // Many calls follow: find the fast entry first.
    Interface::get();
    exofork(copy_memory)
}

/// As [`eager_fork`], but the child is the first member of a new job.
///
/// # Errors
/// As [`fork()`]; `Inval` if the caller is itself a member of a job, or where there
/// are none.
pub fn fork_job() -> Result<Fork, Error> {
    Interface::get();
    exofork(|child| {
        sys::job_create(child.id())?;
        copy_memory(child)
    })
}

fn share_memory(child: NewEnv) -> Result<(), Error> {
    let stack = stack_in_use();
    for va in pages().filter(|&va| va != stack && va != EXCEPTION_STACK) {
        if is_private(va) {
            // SAFETY:
            // 1. Our faults come to `page_fault`, says `fork`; the child's
            //    will, see below.
            // 2. The child is new.
            unsafe { copy_on_write::share(child.id(), va)? };
        } else {
            child.share_page(va)?;
        }
    }
    child.copy_page(stack)?;
    if stack != EXCEPTION_STACK {
        // SAFETY: the child has never run.
        unsafe { sys::page_alloc(child.id(), EXCEPTION_STACK, Perm::WRITE)? };
    }
    // SAFETY: the child has the same code, and an exception stack.
    unsafe { sys::env_set_pgfault_upcall(child.id(), page_fault::entry())? };
    child.start()
}

fn copy_memory(child: NewEnv) -> Result<(), Error> {
    for va in pages() {
        if is_private(va) {
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

/// Everything that is mapped, but for the library's scratch.
fn pages() -> impl Iterator<Item = u32> {
    vm::mapped(0..UTOP).filter(|&va| va != exofork::SCRATCH && va != copy_on_write::SCRATCH)
}

/// Whether parent and child must not see each other's writes to this page.
fn is_private(va: u32) -> bool {
    vm::perm(va)
        .is_some_and(|perm| perm.intersects(Perm::W | Perm::COW) && !perm.contains(Perm::SHARE))
}

/// The page that calls from here use as their stack.
fn stack_in_use() -> u32 {
    let local = 0u8;
    &raw const local as u32 & !(PGSIZE - 1)
}
