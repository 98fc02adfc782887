//! Starting a thread, and the end of it.
//!
//! The hard thing is that the new environment comes out of the same trap as the one that makes
//! it, on the same stack, which both have. So the child must not touch that: its first
//! instruction loads its own stack pointer, from a register that was set before the trap, and all
//! that it needs is on its own stack already.

use core::arch::naked_asm;
use core::mem::MaybeUninit;

use abi::layout::PGSIZE;
use abi::{Call, EnvId, Error};

use super::slot::Slot;
use crate::exofork::NewEnv;
use crate::interface::Numbers;
use crate::together::{self, Stack};
use crate::{start, sys};

/// What is at the top of a thread's stack.
#[repr(C)]
pub(super) struct Place<F, T> {
    result: MaybeUninit<T>,
    closure: MaybeUninit<F>,
    slot: Slot,
}

/// A thread that was started, and where its result will be.
pub(super) struct Started<T> {
    pub(super) slot: Slot,
    pub(super) id: EnvId,
    /// Valid until the slot is given back or detached.
    pub(super) result: *mut T,
}

/// Starts a thread that calls `closure`. Calls `note` with `true` when it is certain which slot
/// it has, before it runs; and with `false` if it will not run after all, before the slot is
/// free.
///
/// # Errors
/// `NotSupp` where there are no threads; `NoFreeEnv` if there are too many; `NoMem`. Then
/// `closure` is dropped.
///
/// # Safety
/// 1. Whatever `closure` and its result borrow stays until the thread is dead.
/// 2. Both may be used by another thread: they are `Send`.
pub(super) unsafe fn start_thread<F, T>(
    closure: F,
    note: impl Fn(Slot, bool),
) -> Result<Started<T>, Error>
where
    F: FnOnce() -> T,
{
    const {
        let align = align_of::<Place<F, T>>();
        assert!(
            size_of::<Place<F, T>>() <= PGSIZE as usize && align <= PGSIZE as usize,
            "closure and result take a page of the thread's stack at most"
        );
    }
    together::begin(together::HEAP)?;
    let slot = Slot::take().ok_or(Error::NoFreeEnv)?;
    let room = size_of::<Place<F, T>>() as u32;
    let align = align_of::<Place<F, T>>().max(16) as u32;
    let address = (slot.top() - room) & !(align - 1);
    let place: *mut Place<F, T> = core::ptr::with_exposed_provenance_mut(address as usize);
    let argument: *mut u32 = core::ptr::with_exposed_provenance_mut(address as usize - 16);
    let begin: extern "C" fn(*mut Place<F, T>) -> ! = run;
    // SAFETY:
    // 1. The slot is ours and its stack is mapped, writeable and used by nobody.
    // 2. All that is written lies in its upper two pages, aligned.
    // 3. `enter` wants two words at its argument: the function and that function's argument.
    let child = unsafe {
        place.write(Place {
            result: MaybeUninit::uninit(),
            closure: MaybeUninit::new(closure),
            slot,
        });
        argument.write(address);
        argument.sub(1).write(begin as *const () as u32);
        enter(address - 16 - 4)
    };
    let started = match child {
        id if id > 0 => {
            slot.belongs_to(EnvId(id));
            note(slot, true);
            // SAFETY: it runs `run`, whose thread's memory is the caller's obligation.
            unsafe { fill(NewEnv(EnvId(id))) }
        }
        error => Err(Error::from_value(error.unsigned_abs()).unwrap_or(Error::Unspecified)),
    };
    if let Err(error) = started {
        // SAFETY: the thread never ran, so the closure is there.
        drop(unsafe { (*place).closure.assume_init_read() });
        note(slot, false);
        slot.give_back();
        return Err(error);
    }
    Ok(Started {
        slot,
        id: EnvId(child),
        // SAFETY: in the place.
        result: unsafe { (&raw mut (*place).result).cast() },
    })
}

/// Gives the child its memory and starts it, or ends it.
///
/// # Safety
/// The child is new, and runs code that is ready to share all memory.
unsafe fn fill(child: NewEnv) -> Result<(), Error> {
    let id = child.id();
    // SAFETY: the caller's; `start_thread` has begun.
    let filled = unsafe { together::share_all(&child, Stack::Shared) };
    let started = filled.and_then(|()| child.start());
    if started.is_err() {
        // It can only fail if the child is gone already.
        let _ = sys::env_destroy(id);
    }
    started
}

/// Makes an environment that will begin on the stack at `stack`: there are the function that it
/// calls and, at a multiple of 16, that function's argument. Returns the child's id, or a
/// negative error.
///
/// # Safety
/// The function does not return. The child gets all of the caller's pages before it runs.
#[unsafe(naked)]
unsafe extern "C" fn enter(stack: u32) -> i32 {
    const EXOFORK: u32 = Numbers::of(Call::Exofork).everywhere();
    naked_asm!(
        "push ebx",
        "mov ebx, [esp + 8]",
        "mov eax, {exofork}",
        "int 0x30",
        "test eax, eax",
        "jz 2f",
        "pop ebx",
        "ret",
        // The child, which has all registers as they were.
        "2:",
        "mov esp, ebx",
        "xor ebp, ebp",
        "pop eax",
        "call eax",
        "ud2",
        exofork = const EXOFORK,
    )
}

/// A thread's life.
extern "C" fn run<F: FnOnce() -> T, T>(place: *mut Place<F, T>) -> ! {
    // SAFETY:
    // 1. `start_thread` has written it for this thread, which calls this once.
    // 2. Nobody else reads the result before `done` has said that it is there.
    unsafe {
        let closure = (*place).closure.assume_init_read();
        let result = &raw mut (*place).result;
        (*result).write(closure());
        if (*place).slot.done() {
            (*result).assume_init_drop();
        }
    }
    start::exit()
}
