//! Children ask for exceptions that cannot be delivered; each ends, and what they
//! share with their parent is as it was.
//!
//! The hard thing is that the kernel writes for the program. It must not write
//! where the program could not, nor go on for ever if the handler itself raises
//! the exception.

#![no_std]
#![no_main]

use core::arch::naked_asm;
use core::sync::atomic::Ordering::Relaxed;

use programs::attack;
use user::abi::exception::DELIVERABLE;
use user::env::Env;
use user::page_fault::EXCEPTION_STACK;
use user::{EnvId, EnvStatus, Error, Fork, Perm, fork, println, share, sys};

/// An address in the kernel.
const KERNEL: u32 = 0xf010_0020;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    let page = share::page()?;
    page.iter().for_each(|word| word.store(PATTERN, Relaxed));
    let address = page.as_ptr() as u32;
    let own = again as *const () as u32;
    // No exception stack; one that cannot be written; no handler; one that
    // raises the exception itself.
    // SAFETY: as `in_child` wants it; nothing of a child's lives there.
    unsafe {
        in_child(own, || sys::page_unmap(EnvId::NONE, EXCEPTION_STACK))?;
        in_child(own, || {
            sys::page_map(
                EnvId::NONE,
                address,
                EnvId::NONE,
                EXCEPTION_STACK,
                Perm::READ,
            )
        })?;
        in_child(KERNEL, || Ok(()))?;
        in_child(own, || Ok(()))?;
    }
    let changed = page.iter().filter(|word| word.load(Relaxed) != PATTERN);
    println!("{} words have changed", changed.count());
    Ok(())
}

const PATTERN: u32 = 0x5a5a_1234;

/// Has a child prepare its exception stack and raise an exception with the
/// handler at `entry`. Waits for its end.
///
/// # Safety
/// The child ends of it: what `prepare` does has to be right until then.
unsafe fn in_child(entry: u32, prepare: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let Fork::Parent(child) = fork()? else {
        prepare()?;
        // SAFETY: whatever is at `entry` raises the next exception.
        unsafe { sys::env_set_exception_upcall(EnvId::NONE, entry, DELIVERABLE)? };
        attack::divide(1, 0);
        println!("it goes on");
        user::exit()
    };
    while Env::of(child).id() == child && Env::of(child).status() != Some(EnvStatus::Free) {
        sys::yield_now();
    }
    Ok(())
}

/// A handler that raises the exception that it is for.
///
/// # Safety
/// Not to be called.
#[unsafe(naked)]
unsafe extern "C" fn again() {
    naked_asm!("ud2")
}
