//! Memory that parent and children have in common.
//!
//! The hard thing: memory that another environment writes is memory that
//! another thread writes. So it is handed out as atomics and as nothing else,
//! and it is marked `SHARE`, which makes `fork` map it instead of copying it.

use core::ops::Deref;
use core::sync::atomic::{AtomicU32, Ordering};

use abi::layout::{PGSIZE, PTSIZE};
use abi::{EnvId, Error, Perm};

use crate::{own, sys};

/// Where shared memory begins: far from the program and from the addresses
/// that the libraries of labs 5 and 6 use.
const BASE: u32 = 0xb000_0000;
/// Bytes set aside for it.
const SIZE: u32 = 4 * PTSIZE;

/// Bytes handed out.
static USED: AtomicU32 = AtomicU32::new(0);

/// Words in a page.
pub const PAGE_WORDS: usize = PGSIZE as usize / 4;

/// A page to share by messages: [`crate::ipc::send_page`] gives it to another
/// environment, [`crate::ipc::recv_page`] replaces it by another's.
#[repr(C, align(4096))]
pub struct Page([AtomicU32; PAGE_WORDS]);

impl Page {
    /// A page of zeros in the program's own data, to be replaced by what is received.
    pub const fn zeroed() -> Page {
        Page([const { AtomicU32::new(0) }; PAGE_WORDS])
    }
}

impl Deref for Page {
    type Target = [AtomicU32; PAGE_WORDS];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A page of zeros. It stays for as long as the program runs; children made by
/// [`crate::fork()`] from now on share it.
///
/// # Errors
/// As [`words`].
pub fn page() -> Result<&'static Page, Error> {
    let words: *const [AtomicU32] = words(PAGE_WORDS)?;
    // SAFETY: so many words, from a page's address on.
    Ok(unsafe { &*words.cast::<Page>() })
}

/// `count` words of zero that children made by [`crate::fork()`] from now on
/// will share. They stay for as long as the program runs.
///
/// # Errors
/// `NoMem`; `Inval` once there are threads, as the others would not have the pages.
pub fn words(count: usize) -> Result<&'static [AtomicU32], Error> {
    let bytes = u32::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(4)?.checked_next_multiple_of(PGSIZE))
        .ok_or(Error::NoMem)?;
    if own::is_shared() {
        return Err(Error::Inval);
    }
    let used = USED.load(Ordering::Relaxed);
    if bytes > SIZE - used {
        return Err(Error::NoMem);
    }
    USED.store(used + bytes, Ordering::Relaxed);
    let start = BASE + used;
    for va in (start..start + bytes).step_by(PGSIZE as usize) {
        // SAFETY: these addresses belong to this module and were not handed
        // out before.
        unsafe { sys::page_alloc(EnvId::NONE, va, Perm::WRITE | Perm::SHARE)? };
    }
    // SAFETY:
    // 1. `count` words from `start`, aligned, are mapped, writeable and zero,
    //    and nothing unmaps them.
    // 2. Every environment that has the page has it from here, as atomics.
    Ok(unsafe {
        core::slice::from_raw_parts(core::ptr::with_exposed_provenance(start as usize), count)
    })
}
