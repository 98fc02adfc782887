//! Children as they are at one moment: stopped, looked at page by page, and brought back.
//!
//! The kernel stops a child and hands over all that it knows of it
//! ([`sys::env_get_state`]). Its memory is reached by sharing it: a list of ranges maps the
//! pages of the child, with the permissions that they have, in a window here, and our own
//! page tables say which there are. Where the child has nothing, that costs nothing.
//!
//! What is kept is the caller's choice: [`Stopped::pages`] hands every page out, and
//! [`Stopped::restore`] and [`revive`] take pages from anywhere.
//!
//! - A page that is copied on write is kept as what it will be, one of its own.
//! - A page marked as shared is not the child's alone: `restore` leaves it in the child as
//!   it is by now. A child that has none there gets a page with what was in it.
//!
//! The hard thing is that a child must never go on with a part of its memory. So it is a
//! [`Stopped`] until all of it is there, and a child that cannot be completed is ended. That
//! is also why nothing here is `unsafe`: what goes on is a whole program, as a child of
//! [`crate::spawn()`] is, and what was made up for it harms nobody else.
//!
//! Pages are handed out, and taken, by code of the caller's. What that could do to the window
//! and to the page of scratch is use this module itself, so that is refused meanwhile.
//!
//! A child that is revived has another id than before, and what it remembers of its own is
//! not true any more. Nor is what it knows of others, if they have gone on meanwhile.

use core::sync::atomic::{AtomicBool, Ordering};

use abi::call::FEATURE_STATE;
use abi::layout::{PGSIZE, PTSIZE, UTOP};
use abi::{EnvId, EnvState, EnvStatus, Error, PageRange, Perm};

use crate::interface::Interface;
use crate::{own, sys, vm};

/// Where pages of a child are seen: nothing else uses these addresses.
const WINDOW: u32 = 0xd800_0000;
/// Bytes of it.
const SIZE: u32 = 32 * PTSIZE;
/// A page to fill.
const SCRATCH: u32 = own::scratch(3);

/// What is in a page.
pub type Content = [u8; PGSIZE as usize];

/// A child that is stopped, with all of its memory.
#[derive(Debug)]
pub struct Stopped(EnvId);

/// Stops a child where it is, whatever it does, and writes its state. That is large for a
/// stack of one page; it may be on the heap.
///
/// # Errors
/// `BadEnv`; `Inval` for the caller itself; `NotSupp` where the kernel cannot do it.
pub fn stop(child: EnvId, state: &mut EnvState) -> Result<Stopped, Error> {
    if !Interface::get().offers(FEATURE_STATE) {
        return Err(Error::NotSupp);
    }
    sys::env_get_state(child, state)?;
    Ok(Stopped(child))
}

/// Makes a child with this state and these pages.
///
/// # Errors
/// `NoFreeEnv`, `NoMem`; `Inval` for a state or a page that the kernel refuses; `NotSupp`.
pub fn revive<'a>(
    state: &EnvState,
    pages: impl Iterator<Item = (u32, Perm, &'a Content)>,
) -> Result<Stopped, Error> {
    if !Interface::get().offers(FEATURE_STATE) {
        return Err(Error::NotSupp);
    }
    // SAFETY: it gets other registers and memory before it runs, or it is ended.
    let child = unsafe { sys::exofork()? };
    Stopped(child).restore(state, pages)
}

/// Pages are being handed out or taken.
static BUSY: AtomicBool = AtomicBool::new(false);

/// The right to use the window and the page of scratch.
struct Turn(());

impl Turn {
    fn begin() -> Result<Turn, Error> {
        match BUSY.swap(true, Ordering::Relaxed) {
            false => Ok(Turn(())),
            true => Err(Error::Inval),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        BUSY.store(false, Ordering::Relaxed);
    }
}

impl Stopped {
    /// Its id.
    pub fn id(&self) -> EnvId {
        self.0
    }

    /// Hands out its pages: address, permissions, content.
    ///
    /// # Errors
    /// `NoMem`; `BadEnv` if it was killed; `Inval` while pages are handed out or taken.
    pub fn pages(&self, mut each: impl FnMut(u32, Perm, &Content)) -> Result<(), Error> {
        let _turn = Turn::begin()?;
        // SAFETY: SCRATCH is this module's, and nobody has a reference there.
        unsafe { sys::page_alloc(EnvId::NONE, SCRATCH, Perm::WRITE)? };
        let result = self.look(|seen, va, perm| {
            // SAFETY:
            // 1. Both are mapped for this, and no Rust object is there.
            // 2. Others may write a shared page meanwhile; it is read in assembly.
            unsafe { vm::copy_page(seen, SCRATCH) };
            let content = core::ptr::with_exposed_provenance::<Content>(SCRATCH as usize);
            // SAFETY: the page is ours alone, and while it is our turn `each` cannot have it
            // written. The reference ends before that.
            each(va, vm::when_copied(perm), unsafe { &*content });
            Ok(())
        });
        // SAFETY: as above.
        let cleaned = unsafe { sys::page_unmap(EnvId::NONE, SCRATCH) };
        result.and(cleaned)
    }

    /// Brings it back to this state, with these pages instead of its own. Each replaces
    /// what was there.
    ///
    /// # Errors
    /// As [`revive`]. Then the child is gone, but for `Inval` while pages are handed out or
    /// taken: then it stays stopped.
    pub fn restore<'a>(
        self,
        state: &EnvState,
        pages: impl Iterator<Item = (u32, Perm, &'a Content)>,
    ) -> Result<Stopped, Error> {
        let turn = Turn::begin()?;
        let filled = self.clear().and_then(|()| self.fill(pages));
        drop(turn);
        // SAFETY: its memory is what belongs to the state, or it is ended.
        let set = filled.and_then(|()| unsafe { sys::env_set_state(self.0, state) });
        match set {
            Ok(()) => Ok(self),
            Err(error) => {
                // It can only fail if the child is gone already.
                let _ = sys::env_destroy(self.0);
                Err(error)
            }
        }
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// `BadEnv` if it was killed.
    pub fn go_on(self) -> Result<(), Error> {
        // SAFETY: its memory is complete.
        unsafe { sys::env_set_status(self.0, EnvStatus::Runnable) }
    }

    /// Unmaps all that is its own.
    fn clear(&self) -> Result<(), Error> {
        self.look(|_, va, perm| {
            if perm.contains(Perm::SHARE) {
                return Ok(());
            }
            // SAFETY: it does not go on before it has other memory.
            unsafe { sys::page_unmap(self.0, va) }
        })
    }

    fn fill<'a>(&self, pages: impl Iterator<Item = (u32, Perm, &'a Content)>) -> Result<(), Error> {
        let mut filled = Ok(());
        for (va, perm, content) in pages {
            filled = self.put(va, perm, content);
            if filled.is_err() {
                break;
            }
        }
        // SAFETY: SCRATCH is this module's, and nobody has a reference there.
        let cleaned = unsafe { sys::page_unmap(EnvId::NONE, SCRATCH) };
        filled.and(cleaned)
    }

    /// Gives it a page, unless it has a shared one there.
    fn put(&self, va: u32, perm: Perm, content: &Content) -> Result<(), Error> {
        let common = perm.contains(Perm::SHARE);
        // SAFETY: nobody has a reference to SCRATCH.
        if common && unsafe { sys::page_map(self.0, va, EnvId::NONE, SCRATCH, Perm::READ) }.is_ok()
        {
            return Ok(());
        }
        // SAFETY:
        // 1. The page is new: ours alone, mapped and writeable; `content` is elsewhere. It
        //    is copied without the stack, which may have one page.
        // 2. It is the child's afterwards. We forget it before anything else is done.
        unsafe {
            sys::page_alloc(EnvId::NONE, SCRATCH, Perm::WRITE)?;
            vm::copy_page(core::ptr::from_ref(content) as u32, SCRATCH);
            sys::page_map(EnvId::NONE, SCRATCH, self.0, va, perm & Perm::SYSCALL)
        }
    }

    /// Maps its pages in the window, a part after the other, and passes each on: where it is
    /// seen, its address in the child, its permissions.
    fn look(&self, mut each: impl FnMut(u32, u32, Perm) -> Result<(), Error>) -> Result<(), Error> {
        for start in (0..UTOP).step_by(SIZE as usize) {
            let length = SIZE.min(UTOP - start);
            let pages = length / PGSIZE;
            let share = PageRange {
                action: PageRange::SHARE,
                source: self.0,
                source_va: start,
                target_va: WINDOW,
                pages,
                ..PageRange::default()
            };
            let unmap = PageRange {
                action: PageRange::UNMAP,
                target_va: WINDOW,
                pages,
                ..PageRange::default()
            };
            // What is there before was a thread's maker's, in the middle of this.
            // SAFETY: the window is this module's, and nobody has a reference there.
            let mut result = unsafe { sys::page_ranges(&mut [unmap, share]) };
            for seen in vm::mapped(WINDOW..WINDOW + length) {
                if result.is_ok() {
                    let perm = vm::perm(seen).unwrap_or(Perm::READ);
                    result = each(seen, seen - WINDOW + start, perm & Perm::SYSCALL);
                }
            }
            // SAFETY: as above.
            let cleaned = unsafe { sys::page_ranges(&mut [unmap]) };
            result.and(cleaned)?;
        }
        Ok(())
    }
}
