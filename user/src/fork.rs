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
//! Where the kernel can do that in one call, `whole_memory` says how;
//! elsewhere it is done here, page by page.
//!
//! The hard thing, that the parent gives away the very stack it runs on, is
//! [`crate::exofork`]'s.
//!
//! # Why these are safe
//!
//! A value that may not be copied is now in two places, and code that the
//! compiler believes to run once returns twice. Neither breaks a promise of
//! Rust, because the copy is *whole*:
//!
//! 1. Everything that is mapped below `UTOP` is duplicated: text, data, heap,
//!    both stacks. So the child is a machine of its own in exactly the state of
//!    the parent's. Every reference in it points to the copy of what it pointed
//!    to, every `Box` owns the copy of its memory, a lock that is held is held
//!    by the copy of its holder. No address has two owners, for an address
//!    means something in one address space only.
//! 2. A program with threads cannot fork, so nobody is left out of the copy in the
//!    middle of something, and nobody changes what is being copied. This is `fork` of a
//!    POSIX process with one thread. A fault handler that forks is copied with the code that it
//!    interrupted.
//! 3. Pages marked as shared are the exception, and so are those that were
//!    sent. [`crate::share`] hands them out as atomics, for which a second
//!    environment is what a second thread is.
//! 4. Each of the two returns from the call once, on the stack from before it.
//!    x87 registers are not copied, but at a call nothing is in them.
//!
//! A closure that holds borrows may fork: child and parent each have the
//! borrow, of their own copy. What is outside of memory is not duplicated: an
//! id, a disk or a message is the same for both, and a destructor that runs in
//! both acts on it twice. That may be wrong, but is no business of memory.
//!
//! A copy that leaves something out has none of this, so
//! [`crate::exofork::exofork`] is `unsafe`.

use abi::call::FEATURE_PAGES;
use abi::layout::{PGSIZE, UTOP};
use abi::{Error, Perm};

use crate::env::Env;
use crate::exofork::{self, Fork, NewEnv, exofork};
use crate::page_fault::{self, EXCEPTION_STACK};
use crate::{copy_on_write, exception, interface::Interface, sys, vm, whole_memory};

/// Makes a child that goes on here, in a copy of this environment's memory.
///
/// # Errors
/// `NoFreeEnv`, `NoMem`; `Inval` if the program has, or had, threads. Then there is no child.
pub fn fork() -> Result<Fork, Error> {
    match page_fault::enable() {
        // SAFETY: `share_memory` gives it everything: see the head of this file.
        Ok(()) => unsafe { exofork(share_memory) },
        Err(Error::Inval) => eager_fork(),
        Err(error) => Err(error),
    }
}

/// As [`fork()`], but with a copy that is made at once and needs no faults.
///
/// # Errors
/// As [`fork()`].
pub fn eager_fork() -> Result<Fork, Error> {
    // Many calls follow: find the fast entry first.
    Interface::get();
    // SAFETY: `copy_memory` gives it everything: see the head of this file.
    unsafe { exofork(copy_memory) }
}

/// As [`eager_fork`], but the child is the first member of a new job.
///
/// # Errors
/// As [`fork()`]; `Inval` if the caller is itself a member of a job, or where there
/// are none.
pub fn fork_job() -> Result<Fork, Error> {
    Interface::get();
    let populate = |child: NewEnv| {
        sys::job_create(child.id())?;
        copy_memory(child)
    };
    // SAFETY: `copy_memory` gives it everything: see the head of this file.
    unsafe { exofork(populate) }
}

fn share_memory(child: NewEnv) -> Result<(), Error> {
    share_pages(&child)?;
    // SAFETY: the child has the same code, and an exception stack.
    unsafe { sys::env_set_pgfault_upcall(child.id(), page_fault::entry())? };
    exception::inherit(&child)?;
    child.start()
}

/// Gives the child everything, page by page where the kernel has no other way.
fn share_pages(child: &NewEnv) -> Result<(), Error> {
    // lab: fork, without {
    if Interface::get().offers(FEATURE_PAGES) {
        // SAFETY: faults of both come to `page_fault`, says `fork`; the child is new.
        return unsafe { whole_memory::share(child.id()) };
    }
    // lab: fork }
    // lab: fork {
    let stack = stack_in_use();
    for va in pages().filter(|&va| va != stack && va != EXCEPTION_STACK) {
        if is_private(va) {
            // SAFETY:
            // 1. Our faults come to `page_fault`, says `fork`; the child's
            //    will, see below.
            // 2. The child is new.
            unsafe { copy_on_write::share(child.id(), va)? };
        } else {
            // SAFETY: a page of ours where we have it.
            unsafe { child.share_page(va)? };
        }
    }
    // SAFETY: as above; a copy, for both write it.
    unsafe { child.copy_page(stack)? };
    if stack != EXCEPTION_STACK {
        // SAFETY: the child has never run.
        unsafe { sys::page_alloc(child.id(), EXCEPTION_STACK, Perm::WRITE)? };
    }
    Ok(())
    // lab: fork }
}

fn copy_memory(child: NewEnv) -> Result<(), Error> {
    if Interface::get().offers(FEATURE_PAGES) {
        // SAFETY: the child is new.
        unsafe { whole_memory::copy(child.id())? };
    } else {
        copy_pages(&child)?;
    }
    let upcall = Env::this().pgfault_upcall();
    if upcall != 0 {
        // SAFETY: the child has the same code, data and exception stack, so
        // what serves the parent serves it.
        unsafe { sys::env_set_pgfault_upcall(child.id(), upcall)? };
    }
    exception::inherit(&child)?;
    child.start()
}

/// As [`share_pages`], but copies what either may write.
fn copy_pages(child: &NewEnv) -> Result<(), Error> {
    for va in pages() {
        // SAFETY: a page of ours where we have it; a copy if either may write.
        unsafe {
            if is_private(va) {
                child.copy_page(va)?;
            } else {
                child.share_page(va)?;
            }
        }
    }
    Ok(())
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
