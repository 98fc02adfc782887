//! Page faults that the program handles itself.
//!
//! At a fault the kernel has the environment enter the *upcall*, on a stack of
//! its own and with a [`UTrapFrame`] at `esp`. A handler that faults is
//! entered again, below:
//!
//! ```text
//!   UXSTACKTOP  +----------------------+
//!               | frame of the fault   |
//!               +----------------------+ <- esp of the upcall
//!               | the handler's frames |
//!               +----------------------+ <- esp at a fault in the handler
//!               | one empty word       |
//!               | frame of that fault  |
//!               +----------------------+ <- esp of its upcall
//! ```
//!
//! The hard thing is to go back without a system call: every register, the
//! flags, the stack and the place in the program have to be restored, and the
//! last instruction to do so can only be one that takes the place from the
//! stack. So the upcall puts `eip` just below what the interrupted code has on
//! *its* stack; for a fault in the handler that is the empty word. The store
//! may itself fault (a stack that is copied on write): that is one more fault
//! in the handler.
//!
//! x87 registers are not kept: to keep them would have every program that
//! handles a fault pay for registers that hardly any uses. So the handler has
//! to leave them alone, which its type cannot say; [`set_handler`] is `unsafe`.

use core::arch::naked_asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicPtr, Ordering};

use abi::layout::{PGSIZE, UXSTACKTOP};
use abi::{EnvId, Error, Perm, UTrapFrame};

use crate::env::Env;
use crate::{copy_on_write, exception, start, sys, vm};

/// What handles a fault. When it returns, the instruction that faulted is
/// executed again.
pub type Handler = fn(&UTrapFrame);

/// The page that upcalls have as their stack.
pub const EXCEPTION_STACK: u32 = UXSTACKTOP - PGSIZE;

/// The program's [`Handler`], or null.
static HANDLER: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// From now on `handler` is called at page faults, of this environment, of
/// children that [`crate::fork()`] makes and of threads that it makes from now on. Writes to pages that are copied on
/// write are handled before and never reach it.
///
/// # Errors
/// `NoMem`; `Inval` from a kernel that has no upcalls.
///
/// # Safety
/// The handler does not change the x87 registers: nothing that it calls works
/// with floating-point numbers or with 64-bit atomics, which the compiler moves
/// through these registers. That an instruction may fault, and that it is
/// executed again, is of no consequence otherwise.
pub unsafe fn set_handler(handler: Handler) -> Result<(), Error> {
    if Env::this().pgfault_upcall() != entry() {
        register()?;
    }
    HANDLER.store(handler as *mut (), Ordering::Relaxed);
    Ok(())
}

/// Has faults come here, for the library's own sake. Does not take them away
/// from an upcall that the program brought itself.
///
/// # Errors
/// `NoMem`; `Inval` if the program has an upcall of its own or the kernel none
/// at all.
pub(crate) fn enable() -> Result<(), Error> {
    match Env::this().pgfault_upcall() {
        0 => register(),
        upcall if upcall == entry() => Ok(()),
        _ => Err(Error::Inval),
    }
}

/// The address of the upcall. It expects an exception stack.
pub fn entry() -> u32 {
    upcall as *const () as u32
}

fn register() -> Result<(), Error> {
    // lab: upcall {
    // First the call that some kernels lack, so that it leaves nothing behind.
    // SAFETY: `upcall` obeys the protocol.
    unsafe { sys::env_set_pgfault_upcall(EnvId::NONE, entry())? };
    let stack = provide_stack();
    if stack.is_err() {
        // SAFETY: no upcall is what there was before.
        unsafe { sys::env_set_pgfault_upcall(EnvId::NONE, 0)? };
    }
    stack
    // lab: upcall }
}

/// Makes sure that there is an exception stack.
pub(crate) fn provide_stack() -> Result<(), Error> {
    if vm::perm(EXCEPTION_STACK).is_some_and(|perm| perm.contains(Perm::W)) {
        return Ok(());
    }
    // SAFETY: these addresses are for this and nothing else.
    unsafe { sys::page_alloc(EnvId::NONE, EXCEPTION_STACK, Perm::WRITE) }
}

/// Where the kernel has a fault go on.
///
/// # Safety
/// Not to be called: it expects `esp` at a [`UTrapFrame`].
#[unsafe(naked)]
unsafe extern "C" fn upcall() {
    naked_asm!(
        // As the ABI wants it: flags of the interrupted code are in the frame,
        // and so are all registers, which leaves ebx to remember the frame.
        "cld",
        "mov ebx, esp",
        "and esp, -16",
        "sub esp, 12",
        "push ebx",
        "call {handle}",
        "mov esp, ebx",
        "mov eax, [esp + {eip}]",
        "mov ecx, [esp + {esp}]",
        "sub ecx, 4",
        "mov [esp + {esp}], ecx",
        "mov [ecx], eax",
        "add esp, {regs}",
        "popad",
        // Over eip.
        "add esp, 4",
        "popfd",
        "pop esp",
        "ret",
        handle = sym handle,
        regs = const offset_of!(UTrapFrame, regs),
        eip = const offset_of!(UTrapFrame, eip),
        esp = const offset_of!(UTrapFrame, esp),
    )
}

/// Handles a page fault, for the library and then for the program.
pub(crate) extern "C" fn handle(frame: &UTrapFrame) {
    if copy_on_write::handle(frame) {
        return;
    }
    let handler = HANDLER.load(Ordering::Relaxed);
    if handler.is_null() {
        return give_up();
    }
    // SAFETY: only `set_handler` stores there, and what it stores is a
    // `Handler`.
    let handler = unsafe { core::mem::transmute::<*mut (), Handler>(handler) };
    handler(frame);
}

/// Leaves the fault to the kernel: it happens again without an upcall, and the
/// kernel prints the registers and ends this environment.
#[cold]
pub(crate) fn give_up() {
    // That writes memory, perhaps a page that is copied on write: so it comes first.
    let forgotten = exception::forget();
    // SAFETY: no upcall is always right.
    let removed = unsafe { sys::env_set_pgfault_upcall(EnvId::NONE, 0) };
    if forgotten.and(removed).is_err() {
        start::exit();
    }
}
