//! Making an environment that goes on where its parent is.
//!
//! The hard thing: the child comes out of the same trap as the parent, but on
//! a stack that the parent copies *later*. If the copying happened in the code
//! after the trap, as in C, the compiler could reuse a stack slot that is dead
//! on the parent's way and still needed on the child's, and the child would
//! find the wrong value in it.
//!
//! So the copying happens *inside* one call, and this makes it right by
//! construction:
//!
//! ```text
//!   callers' frames        not touched while the call lasts
//!   enter's frame          written before the trap, then only read
//!   ---------------------  esp at the trap: all that the child has
//!   populate's frames      below; copied or not, nobody looks at them again
//! ```
//!
//! Between trap and copy the parent writes only below `esp`, so the child's
//! stack is exactly the one that was there at the trap, and its registers are
//! the ones of the trap. Each of the two then returns from this call once,
//! which is all that the compiler needs to believe.
//!
//! The same holds for a page of the stack that is shared until somebody writes
//! it (`copy_on_write`): what the parent writes before it loses the
//! right to is below `esp`, what it writes later is not the child's.
//!
//! What the child's *memory* must be, no type can say: a child with the stack
//! but without the heap owns boxes that are not there, and one with a page of
//! its parent's instead of a copy has variables that change by themselves. So
//! everything that fills a child here is `unsafe`. Safe code has
//! [`crate::fork()`], which leaves nothing out; [`crate::fork`](mod@crate::fork)
//! says why that is enough.

#![expect(
    improper_ctypes_definitions,
    reason = "the function pointer is one opaque word to the assembly between two Rust functions"
)]

use core::arch::naked_asm;

use abi::call::FEATURE_PAGES;
use abi::layout::PGSIZE;
use abi::{Call, EnvId, EnvStatus, Error, Perm};

use crate::interface::{Interface, Numbers};
use crate::{env, own, sys, vm};

/// Scratch, for the duration of one copy: the first page of the table that the
/// stacks are in, which exists already. Not the one of
/// `copy_on_write`: to fill this one may fault.
pub(crate) const SCRATCH: u32 = own::scratch(0);

/// Which of the two came out of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// The one that called; with the child's id.
    Parent(EnvId),
    /// The new one.
    Child,
}

/// A child that has never run, unless `unsafe` code has started it by its id.
pub struct NewEnv(pub(crate) EnvId);

impl NewEnv {
    /// Its id.
    pub fn id(&self) -> EnvId {
        self.0
    }

    /// Gives it a copy of the caller's page at `va`, with the same rights; a
    /// copy-on-write page is copied now.
    ///
    /// # Errors
    /// `Inval` if nothing is mapped there; `NoMem`.
    ///
    /// # Safety
    /// By the time the child runs, its memory is what the code in it expects:
    /// a copy of the caller as [`exofork`] demands, or a program that was
    /// loaded and expects this page.
    pub unsafe fn copy_page(&self, va: u32) -> Result<(), Error> {
        let perm = vm::when_copied(vm::perm(va).ok_or(Error::Inval)?);
        let page = va & !(PGSIZE - 1);
        if Interface::get().offers(FEATURE_PAGES) {
            // SAFETY: what the child relies on is the caller's obligation.
            return unsafe { sys::page_copy(EnvId::NONE, page, self.0, page, perm) };
        }
        // SAFETY:
        // 1. SCRATCH is for exactly this; no Rust object lives there.
        // 2. The copied page is readable, for it is mapped for the user.
        // 3. The child has never run, so nothing in it relies on its memory
        //    yet; what it will rely on is the caller's obligation.
        // 4. The scratch mapping is forgotten before anything writes there.
        unsafe {
            sys::page_alloc(EnvId::NONE, SCRATCH, Perm::WRITE)?;
            vm::copy_page(page, SCRATCH);
            sys::page_map(EnvId::NONE, SCRATCH, self.0, page, perm)
        }
    }

    /// Gives it the caller's page at `va` itself, with the same rights. Refuses
    /// one that is writeable and not marked as shared.
    ///
    /// # Errors
    /// `Inval` for such a page, or if nothing is mapped there; `NoMem`.
    ///
    /// # Safety
    /// As [`NewEnv::copy_page`].
    pub unsafe fn share_page(&self, va: u32) -> Result<(), Error> {
        let perm = vm::perm(va).ok_or(Error::Inval)? & Perm::SYSCALL;
        if perm.contains(Perm::W) && !perm.contains(Perm::SHARE) {
            return Err(Error::Inval);
        }
        // SAFETY:
        // 1. The child has never run, so nothing in it relies on its memory
        //    yet; what it will rely on is the caller's obligation.
        // 2. Neither can write the page, or its users know that it is shared
        //    (`crate::share` hands such pages out as atomics).
        unsafe { sys::page_map(EnvId::NONE, va, self.0, va, perm) }
    }

    /// Lets it run.
    ///
    /// # Errors
    /// `BadEnv` if it was killed.
    pub fn start(self) -> Result<(), Error> {
        // SAFETY: its memory and registers are complete. `spawn` has seen to
        // that, and so has the caller of `exofork`, by the contract there.
        unsafe { sys::env_set_status(self.0, EnvStatus::Runnable) }
    }
}

/// Makes a child, fills it by `populate`, which also starts it, and returns in
/// both.
///
/// # Errors
/// `NoFreeEnv`, `NoMem`, or what `populate` returned; then the child is gone. `Inval` if the
/// program has threads, which may change at any time what is to be copied.
///
/// # Safety
/// When `populate` starts the child,
///
/// 1. the child has a copy of every page that a value of this program is in,
///    as the page was at the call: text, data, heap and all of the stack. What
///    it lacks is never touched there;
/// 2. a page that both have is marked as shared or is written by neither, but
///    for pages that are copied on write, whose faults both handle.
pub unsafe fn exofork(populate: fn(NewEnv) -> Result<(), Error>) -> Result<Fork, Error> {
    if own::is_shared() {
        return Err(Error::Inval);
    }
    // SAFETY: the caller's.
    unsafe { exofork_sharing(populate) }
}

/// As [`exofork`], also where threads are.
///
/// # Safety
/// As [`exofork`]; or the code in the child knows what it shares with the caller.
pub(crate) unsafe fn exofork_sharing(
    populate: fn(NewEnv) -> Result<(), Error>,
) -> Result<Fork, Error> {
    env::suspend_memory_of_this();
    // SAFETY: `call_populate` expects what `enter` passes on; the child's
    // memory is the caller's obligation.
    let result = unsafe { enter(populate) };
    env::forget_this();
    match result {
        0 => Ok(Fork::Child),
        id if id > 0 => Ok(Fork::Parent(EnvId(id))),
        error => Err(Error::from_value(error.unsigned_abs()).unwrap_or(Error::Unspecified)),
    }
}

/// Traps, and in the parent has the child filled before anything else.
/// Returns 0 in the child, its id in the parent, or a negative error.
///
/// # Safety
/// As [`exofork`].
#[unsafe(naked)]
unsafe extern "C" fn enter(populate: fn(NewEnv) -> Result<(), Error>) -> i32 {
    const EXOFORK: u32 = Numbers::of(Call::Exofork).everywhere();
    naked_asm!(
        "push ebp",
        "mov ebp, esp",
        "push ebx",
        "push esi",
        "push edi",
        "mov eax, {exofork}",
        "int 0x30",
        // The child continues here too, with 0.
        "test eax, eax",
        "jle 2f",
        "push dword ptr [ebp + 8]",
        "push eax",
        "call {call_populate}",
        "add esp, 8",
        "2:",
        "pop edi",
        "pop esi",
        "pop ebx",
        "pop ebp",
        "ret",
        exofork = const EXOFORK,
        call_populate = sym call_populate,
    )
}

/// Fills `child`. Returns its id, or a negative error after killing it.
extern "C" fn call_populate(child: EnvId, populate: fn(NewEnv) -> Result<(), Error>) -> i32 {
    let populated = populate(NewEnv(child));
    match populated.and(forget_scratch()) {
        Ok(()) => child.0,
        Err(error) => {
            // It can only fail if the child is gone already.
            let _ = sys::env_destroy(child);
            -(error as i32)
        }
    }
}

/// Unmaps what `copy_page` left at SCRATCH, where it needs that page.
fn forget_scratch() -> Result<(), Error> {
    if Interface::get().offers(FEATURE_PAGES) {
        return Ok(());
    }
    // SAFETY: nothing but `copy_page` puts anything there.
    unsafe { sys::page_unmap(EnvId::NONE, SCRATCH) }
}
