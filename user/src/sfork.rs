//! `sfork`: a child that shares everything but the stack.
//!
//! Both go on behind the call, each on a stack of its own; text, data and heap are the same
//! memory. [`Env::this`](crate::env::Env::this) is right in both, because what it remembers is
//! in a page that each has to itself.
//!
//! The hard thing is how little of Rust's rules is left: every value on the stack is there
//! twice, and each copy believes that it alone owns what it points to. So this is `unsafe`, and
//! [`crate::thread`](mod@crate::thread) is what safe programs use.

use abi::Error;

use crate::exofork::{self, Fork, NewEnv};
use crate::own;
use crate::together::{self, Stack};

/// Makes a child that goes on here, with a copy of this stack and all other memory shared.
///
/// From the first call on the program's memory is as with threads: the heap does not grow,
/// and `fork` refuses.
///
/// # Errors
/// `NotSupp` where there is no `futex_wait`; `Inval` from a thread, whose stack is memory
/// that all share; `NoFreeEnv`, `NoMem`. Then there is no child.
///
/// # Safety
/// Of every value on the stack there are two afterwards, and whatever such a value points to
/// outside of the stack belongs to both:
///
/// 1. At most one of the two uses or drops what owns something (boxes, guards, vectors);
///    the other leaves it alone, also when its function returns.
/// 2. No reference to the stack is where the other can find it.
/// 3. Nobody else writes to the stack meanwhile.
pub unsafe fn sfork() -> Result<Fork, Error> {
    let local = 0u8;
    if (&raw const local as u32) < own::STACKS {
        return Err(Error::Inval);
    }
    together::begin(together::HEAP)?;
    // SAFETY: the child has a copy of the stack as it was at the call; that the rest is
    // shared is the caller's obligation.
    unsafe { exofork::exofork_sharing(populate) }
}

fn populate(child: NewEnv) -> Result<(), Error> {
    // SAFETY: `sfork` has begun, and says what code runs.
    unsafe { together::share_all(&child, Stack::Copied)? };
    child.start()
}
