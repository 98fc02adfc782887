//! Running another program: a child made from an ELF file in memory.
//!
//! The kernel knows nothing of it. The child is made empty, filled page by page
//! through a page of our own, given registers, and started, as JOS's `spawn`
//! does; what it finds is the same: its segments, writeable only where the file
//! says so, one page of stack with the arguments on it, and every page that we
//! have marked as shared. What is on those pages is the crate `launch`'s affair.
//!
//! The hard thing is to leave nothing behind when it fails half way: the file is
//! checked before there is a child, and after that a child that is not complete
//! is ended, which takes back all that it was given.
//!
//! None of the caller's code runs meanwhile, so arguments are plain `str`: a
//! conversion of the caller's own could spawn as well, and both would fill the
//! one page of scratch.

use core::fmt;

use abi::layout::UTOP;
use abi::{EnvId, Error, Perm, TrapFrame};
use launch::{BadImage, Image, Page, STACK};

use crate::exofork::NewEnv;
use crate::{own, sys, vm};

/// Scratch, for the duration of one page: in the table that the stacks are in,
/// after those of `exofork` and `copy_on_write`.
const SCRATCH: u32 = own::scratch(2);

/// Why a program cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// The file is not a program.
    Image(BadImage),
    /// The arguments do not fit the stack, or have a zero byte.
    Arguments,
    /// The kernel's answer.
    Kernel(Error),
}

impl From<BadImage> for SpawnError {
    fn from(error: BadImage) -> SpawnError {
        SpawnError::Image(error)
    }
}

impl From<Error> for SpawnError {
    fn from(error: Error) -> SpawnError {
        SpawnError::Kernel(error)
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::Image(bad) => bad.fmt(f),
            SpawnError::Arguments => f.write_str("too many arguments"),
            SpawnError::Kernel(error) => f.write_str(error.message()),
        }
    }
}

/// Runs the program in `file` as a child. `arguments` begin, by convention,
/// with its name.
///
/// Needs `env_set_trapframe`, which lab 4's numbering lacks: there it is
/// `Kernel(Inval)`.
///
/// # Errors
/// See [`SpawnError`]; then there is no child.
pub fn spawn(file: &[u8], arguments: &[&str]) -> Result<EnvId, SpawnError> {
    let child = prepare(file, arguments)?;
    let id = child.id();
    child.start()?;
    Ok(id)
}

/// As [`spawn`], but leaves it to the caller to start the child.
///
/// # Errors
/// See [`SpawnError`]; then there is no child.
pub fn prepare(file: &[u8], arguments: &[&str]) -> Result<NewEnv, SpawnError> {
    let image = Image::parse(file)?;
    // SAFETY: `fill` replaces the frame, or the child is never run.
    let child = NewEnv(unsafe { sys::exofork()? });
    let filled = fill(&child, &image, arguments);
    // SAFETY: nothing but `give_page` puts anything at SCRATCH.
    let cleaned = unsafe { sys::page_unmap(EnvId::NONE, SCRATCH) };
    match filled.and(cleaned.map_err(SpawnError::from)) {
        Ok(()) => Ok(child),
        Err(error) => {
            // It can only fail if the child is gone already.
            let _ = sys::env_destroy(child.id());
            Err(error)
        }
    }
}

fn fill(child: &NewEnv, image: &Image<'_>, arguments: &[&str]) -> Result<(), SpawnError> {
    for va in image.pages() {
        give_page(child, va, |page| match image.fill(va, page) {
            true => Perm::WRITE,
            false => Perm::READ,
        })?;
    }
    let mut esp = None;
    give_page(child, STACK, |page| {
        esp = launch::arguments(page, arguments);
        Perm::WRITE
    })?;
    let esp = esp.ok_or(SpawnError::Arguments)?;
    for va in vm::mapped(0..UTOP).filter(|&va| is_shared(va)) {
        // SAFETY: JOS's programs expect shared pages where their parents have
        // them; ours rely on nothing there before they have mapped it.
        unsafe { child.share_page(va)? };
    }
    let frame = TrapFrame::start(image.entry(), esp);
    // SAFETY: the child has never run, and its memory is what its program
    // expects at its start.
    unsafe { sys::env_set_trapframe(child.id(), &frame)? };
    Ok(())
}

fn is_shared(va: u32) -> bool {
    vm::perm(va).is_some_and(|perm| perm.contains(Perm::SHARE))
}

/// Gives the child a page that `write` has filled, with the rights that it
/// returned. The page begins as zeros.
fn give_page(child: &NewEnv, va: u32, write: impl FnOnce(&mut Page) -> Perm) -> Result<(), Error> {
    // SAFETY: SCRATCH is for exactly this: nobody relies on what is there.
    unsafe { sys::page_alloc(EnvId::NONE, SCRATCH, Perm::WRITE)? };
    let page = core::ptr::with_exposed_provenance_mut::<Page>(SCRATCH as usize);
    // SAFETY:
    // 1. The page is mapped and writeable, and nobody else has it yet; a thread that does
    //    the same has another page there.
    // 2. No `write` gives pages itself or calls code that is not this
    //    library's or `core`'s, so there is one such reference.
    let perm = write(unsafe { &mut *page });
    // SAFETY: the child has never run, so nothing in it relies on its memory;
    // and we forget the page.
    unsafe { sys::page_map(EnvId::NONE, SCRATCH, child.id(), va, perm) }
}
