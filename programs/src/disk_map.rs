//! The disk as memory: block `n` is the page at 0x1000_0000 + `n` * 4096, as
//! JOS's file server has it, and is there when it is touched.
//!
//! The hard thing is that the pages appear in a page-fault handler: it must
//! work on the little stack that such handlers have, and the page has to be
//! filled before anybody can look at it, which holds because this environment
//! has one thread and gives a page away only afterwards.

use core::hint::black_box;
use core::ptr::with_exposed_provenance;
use core::sync::atomic::Ordering::Relaxed;

use user::abi::UTrapFrame;
use user::abi::layout::PGSIZE;
use user::share::Page;
use user::{Error, page_fault, vm};

use crate::ata;

/// Where block 0 is.
const BASE: u32 = 0x1000_0000;
/// The first address above all blocks: 3 GiB of them, again as in JOS.
const END: u32 = 0xd000_0000;
const SECTORS_PER_BLOCK: u32 = PGSIZE / ata::SECTOR;

/// The disk of this environment.
pub struct DiskMap {
    blocks: u32,
}

impl DiskMap {
    /// Finds the disk, and has page faults of this environment read it; `None`
    /// if there is no disk.
    ///
    /// # Errors
    /// `NoMem`; `Inval` from a kernel without page-fault handlers.
    ///
    /// # Safety
    /// This program has no heap, which could grow to where the blocks are, and
    /// uses neither [`user::area`] nor [`user::share`], which are where the
    /// blocks of a large disk are.
    pub unsafe fn new() -> Result<Option<DiskMap>, Error> {
        let Some(sectors) = ata::sectors() else {
            return Ok(None);
        };
        // SAFETY: the handler works with integers of 32 bits only.
        unsafe { page_fault::set_handler(fault_in)? };
        let blocks = (sectors / SECTORS_PER_BLOCK).min((END - BASE) / PGSIZE);
        Ok(Some(DiskMap { blocks }))
    }

    /// How many blocks there are; an incomplete one at the end is none.
    pub fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Block `number`, which has been read when this returns.
    pub fn block(&self, number: u32) -> Option<&'static Page> {
        if number >= self.blocks {
            return None;
        }
        let page = with_exposed_provenance::<Page>((BASE + number * PGSIZE) as usize);
        // SAFETY: this range is the map's alone, says `new`. A page of it is mapped and
        // filled by the handler when it is first touched, and then stays. It
        // is handed out as atomics only.
        let page = unsafe { &*page };
        black_box(page[0].load(Relaxed));
        Some(page)
    }

    /// Writes block `number`, also where it is seen already.
    ///
    /// # Errors
    /// `NotFound` if there is no such block; `Unspecified` if the disk cannot.
    pub fn store(&self, number: u32, content: &Page) -> Result<(), Error> {
        let block = self.block(number).ok_or(Error::NotFound)?;
        ata::store(number * SECTORS_PER_BLOCK, &content[..])?;
        for (word, new) in block.iter().zip(content.iter()) {
            word.store(new.load(Relaxed), Relaxed);
        }
        Ok(())
    }
}

/// Handles a fault by reading the block that was touched.
fn fault_in(fault: &UTrapFrame) {
    let va = fault.fault_va;
    if !(BASE..END).contains(&va) {
        panic!("fault at {va:x}, which is no block");
    }
    let number = (va - BASE) / PGSIZE;
    let start = BASE + number * PGSIZE;
    if let Err(error) = vm::allocate(start) {
        panic!("allocating block {number}: {}", error.message());
    }
    // SAFETY: it has just been mapped, as nothing else.
    let page = unsafe { &*with_exposed_provenance::<Page>(start as usize) };
    if let Err(error) = ata::read(number * SECTORS_PER_BLOCK, &page[..]) {
        panic!("reading block {number}: {}", error.message());
    }
}
