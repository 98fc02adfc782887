//! Several environments with one memory.
//!
//! A thread is an environment that has every page that the one has that made it, at the same
//! address and with the same rights. [`begin`] prepares the first of them for that,
//! [`share_all`] gives a new one the pages.
//!
//! The hard thing is that this lasts only while nobody maps anything. So everything that
//! threads will ever need is mapped by `begin`, before there is a second one: their stacks, and a
//! heap that from then on does not grow. Pages that would be copied on write are made one's
//! own first, as a copy would be one environment's and not the others'.
//!
//! # Why threads are safe
//!
//! 1. All environments of a program have the same pages below the stacks' table, and the same
//!    ordinary stack unless `unsafe` code called [`crate::sfork()`]. None of these pages is
//!    ever unmapped or replaced, but for those of [`crate::area`] and [`crate::share`], of
//!    which nobody has more than atomics. So a reference means the same in all of them.
//! 2. What the library has in statics is atomic, or behind a lock that waits for threads
//!    (the heap's).
//! 3. What differs (scratch, exception stack, the page at [`own::PAGE`]) is used by the
//!    library alone, for one environment's affairs. A `&mut` to a page of scratch is to a page
//!    that no other environment has there.
//! 4. Memory that others change is never copied as a whole: `fork` refuses.
//! 5. A dead environment has left its CPU before anybody is told (`futex_wait`), and only then
//!    are its stack and what it had borrowed used again. The pages of one that dies stay with
//!    the others, so a thread may outlive the one whose stack it uses. But then that stack
//!    is not used again, and nobody who waits for the dead one goes on, before it ends too.
//! 6. What is on an exception stack the others do not see. So nobody borrows from there.

use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use abi::call::{FEATURE_FUTEX, FEATURE_PAGES};
use abi::layout::{PGSIZE, UTOP};
use abi::{EnvId, Error, PageRange, Perm};

use crate::env::Env;
use crate::exofork::NewEnv;
use crate::heap::program_break;
use crate::interface::Interface;
use crate::page_fault::EXCEPTION_STACK;
use crate::{env, exception, own, sys, vm};

/// Bytes of heap that threads have together, unless the program asks for more.
pub(crate) const HEAP: u32 = 0x4_0000;
/// The most threads at a time.
pub(crate) const STACKS: u32 = 32;
/// Bytes of a thread's stack.
pub(crate) const STACK: u32 = 4 * PGSIZE;
/// From one stack to the next.
const STRIDE: u32 = STACK + PGSIZE;
const _: () = assert!(STACKS * STRIDE <= own::THREAD_STACKS.end - own::THREAD_STACKS.start);

/// Somebody is in [`begin`].
static BEGINNING: AtomicBool = AtomicBool::new(false);

/// Prepares this environment for others that share its memory, with so many bytes of heap
/// that are free and mapped. Does nothing if that is done.
///
/// # Errors
/// `NotSupp` where there is no `futex_wait`; `NoMem`; `Inval` in a fault handler that
/// interrupts this.
pub(crate) fn begin(heap: u32) -> Result<(), Error> {
    if own::is_shared() {
        return Ok(());
    }
    let interface = Interface::get();
    if !interface.offers(FEATURE_FUTEX) || !interface.offers(FEATURE_PAGES) {
        return Err(Error::NotSupp);
    }
    if BEGINNING.swap(true, Ordering::Relaxed) {
        return Err(Error::Inval);
    }
    let prepared = prepare(heap);
    if prepared.is_ok() {
        own::share();
    }
    BEGINNING.store(false, Ordering::Relaxed);
    prepared
}

fn prepare(heap: u32) -> Result<(), Error> {
    remember_apart()?;
    program_break::reserve(heap)?;
    for index in 0..STACKS {
        if let Err(error) = map_stack(index) {
            unmap_stacks(index)?;
            return Err(error);
        }
    }
    // Last, because what is written before may be copied here.
    own_everything()
}

/// Has this environment's id remembered in a page that none of the others will have.
fn remember_apart() -> Result<(), Error> {
    if vm::perm(own::PAGE).is_none() {
        // SAFETY: the address is for this page and nothing else.
        unsafe { sys::page_alloc(EnvId::NONE, own::PAGE, Perm::WRITE)? };
    }
    let word = core::ptr::with_exposed_provenance::<AtomicI32>(own::PAGE as usize);
    // SAFETY:
    // 1. The page is mapped, in this environment and in each that `share_all` gives its
    //    pages, and nobody unmaps it.
    // 2. It begins as zeros, and is only ever used as this word.
    env::remember_this_in(unsafe { &*word });
    Ok(())
}

fn map_stack(index: u32) -> Result<(), Error> {
    let bottom = top_of_stack(index) - STACK;
    for va in (bottom..top_of_stack(index)).step_by(PGSIZE as usize) {
        // SAFETY: the addresses are the stacks' alone, and there is no thread yet.
        unsafe { sys::page_alloc(EnvId::NONE, va, Perm::WRITE)? };
    }
    Ok(())
}

/// Unmaps the stacks up to the one that there was no memory for.
fn unmap_stacks(last: u32) -> Result<(), Error> {
    for va in vm::mapped(own::THREAD_STACKS.start..top_of_stack(last)) {
        // SAFETY: there are no threads that could use them.
        unsafe { sys::page_unmap(EnvId::NONE, va)? };
    }
    Ok(())
}

/// One past the last byte of a stack.
pub(crate) fn top_of_stack(index: u32) -> u32 {
    own::THREAD_STACKS.start + (index + 1) * STRIDE
}

/// Whether a local variable at `address` is one environment's alone: on the exception stack.
pub(crate) fn is_apart(address: u32) -> bool {
    address >= EXCEPTION_STACK
}

/// Makes pages that others have too, to be copied on write, this environment's own.
fn own_everything() -> Result<(), Error> {
    for va in vm::mapped(0..UTOP) {
        if let Some(perm) = vm::perm(va).filter(|perm| perm.contains(Perm::COW)) {
            // SAFETY: the page has the contents that it had, and may be written as the
            // program expects.
            unsafe { sys::page_copy(EnvId::NONE, va, EnvId::NONE, va, vm::when_copied(perm))? };
        }
    }
    Ok(())
}

/// What a new environment gets of the stack of the one that makes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    /// The stack itself.
    Shared,
    /// A copy.
    Copied,
}

/// Gives `child` all of the caller's pages, and what it must have of its own; and has its
/// faults handled as the caller's are.
///
/// # Errors
/// `NoMem`.
///
/// # Safety
/// 1. [`begin`] has succeeded, and the child has never run.
/// 2. When it runs, it runs code that is ready to share all this with the caller and others.
pub(crate) unsafe fn share_all(child: &NewEnv, stack: Stack) -> Result<(), Error> {
    let below = pages(child.id(), 0, own::STACKS);
    let stacks = PageRange {
        action: match stack {
            Stack::Shared => PageRange::SHARE,
            Stack::Copied => PageRange::COPY,
        },
        ..pages(child.id(), own::PAGE + PGSIZE, EXCEPTION_STACK)
    };
    let fresh = PageRange {
        action: PageRange::ALLOC,
        set: Perm::WRITE.bits() as u16,
        ..pages(child.id(), own::PAGE, own::PAGE + PGSIZE)
    };
    let exception_stack = PageRange {
        source_va: EXCEPTION_STACK,
        target_va: EXCEPTION_STACK,
        ..fresh
    };
    // SAFETY:
    // 1. In the child nothing relies on its memory yet.
    // 2. No mapping of the caller changes, so the list stays writeable.
    // 3. That others write is what the head of this file is about.
    unsafe { sys::page_ranges(&mut [below, stacks, fresh, exception_stack])? };
    let upcall = Env::this().pgfault_upcall();
    if upcall != 0 {
        // SAFETY: the child has the same code, and an exception stack.
        unsafe { sys::env_set_pgfault_upcall(child.id(), upcall)? };
    }
    exception::inherit(child)
}

/// The caller's pages in `start..end`, for `child` as they are.
fn pages(child: EnvId, start: u32, end: u32) -> PageRange {
    PageRange {
        action: PageRange::SHARE,
        source_va: start,
        target: child,
        target_va: start,
        pages: (end - start) / PGSIZE,
        ..PageRange::default()
    }
}
