//! One address space, named by its page directory.
//!
//! The hard thing is ownership. A space alone owns its directory and its page tables
//! below UTOP; a page table that parent and child share is a classic bug of this
//! kind of kernel. The entries from UTOP up belong to the kernel and are copied from
//! its own directory when the space is made, except UVPT, which maps the directory
//! itself.

use crate::frames::Frames;
use crate::paging::Pte;
use crate::paging::scan::next_present;
use crate::phys::{Pfn, PhysMem};
use abi::layout::{NPTENTRIES, PGSIZE, PTSIZE, UTOP, UVPT, pdx, ptx};
use abi::{Error, Perm};

/// The number of entries in the page directory that are the space's own.
pub const USER_TABLES: u32 = pdx(UTOP);

/// Directory entries grant everything, so that page-table entries decide.
const TABLE_PERM: Perm = Perm::P.union(Perm::W).union(Perm::U);

/// A page-aligned address below UTOP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserPage(u32);

impl UserPage {
    /// The page at `va`, if that is aligned and below UTOP.
    pub const fn new(va: u32) -> Option<UserPage> {
        if va < UTOP && va.is_multiple_of(PGSIZE) {
            Some(UserPage(va))
        } else {
            None
        }
    }

    /// Address of its first byte.
    pub const fn va(self) -> u32 {
        self.0
    }
}

/// An address space; all-zero in a slot that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Space {
    /// The frame of its page directory.
    pub pgdir: Pfn,
}

impl Space {
    /// Makes a space that maps only what the kernel shares, of a frame of zeroes.
    pub(crate) fn create<M: PhysMem>(mem: &mut M, pgdir: Pfn, kernel: Pfn) -> Space {
        let shared = pdx(UTOP) * 4;
        mem.copy_bytes(
            pgdir.address() + shared,
            kernel.address() + shared,
            PGSIZE - shared,
        );
        Space::renew(mem, pgdir)
    }

    /// Makes such a space of the directory of a dead one.
    pub(crate) fn renew<M: PhysMem>(mem: &mut M, pgdir: Pfn) -> Space {
        let own = Pte::new(pgdir, Perm::READ);
        mem.write(pgdir.address() + pdx(UVPT) * 4, own.0);
        Space { pgdir }
    }

    /// The page-directory entry for `va`.
    pub fn directory_entry<M: PhysMem>(self, mem: &M, va: u32) -> Pte {
        Pte(mem.read(self.pgdir.address() + pdx(va) * 4))
    }

    /// Physical address of the page-table entry for `va`, if there is a table.
    pub(crate) fn slot<M: PhysMem>(self, mem: &M, va: u32) -> Option<u32> {
        let table = self.directory_entry(mem, va);
        table
            .is_present()
            .then(|| table.frame().address() + ptx(va) * 4)
    }

    /// The page-table entry for `page`, [`Pte::EMPTY`] if there is no table.
    pub fn entry<M: PhysMem>(self, mem: &M, page: UserPage) -> Pte {
        self.slot(mem, page.va())
            .map_or(Pte::EMPTY, |slot| Pte(mem.read(slot)))
    }

    /// Physical address of the entry for `page`. If this has to make a page table, it
    /// passes the table's directory entry to `made`.
    pub(crate) fn ensure_table<M: PhysMem>(
        self,
        mem: &mut M,
        frames: &mut Frames<'_>,
        page: UserPage,
        made: impl FnOnce(Pte),
    ) -> Result<u32, Error> {
        if let Some(slot) = self.slot(mem, page.va()) {
            return Ok(slot);
        }
        let table = frames.alloc_zeroed(mem)?;
        let entry = Pte::new(table, TABLE_PERM);
        let slot = self.pgdir.address() + pdx(page.va()) * 4;
        mem.write(slot, entry.0);
        frames.mark(slot);
        made(entry);
        Ok(table.address() + ptx(page.va()) * 4)
    }

    /// The first address in `va..end` at which a page is mapped, or `end`; all three are
    /// page-aligned and at most UTOP. Takes from `work` as [`next_present`]
    /// does, and returns how far it got when nothing is left of that.
    pub(crate) fn next_mapped<M: PhysMem>(
        self,
        mem: &M,
        frames: &Frames<'_>,
        mut va: u32,
        end: u32,
        work: &mut u32,
    ) -> u32 {
        while va < end && *work > 0 {
            let marks = frames.marks(self.pgdir);
            let index = next_present(mem, marks, self.pgdir, pdx(va), work);
            if index > pdx(va) {
                va = index.saturating_mul(PTSIZE);
                continue;
            }
            let table = self.directory_entry(mem, va).frame();
            let index = next_present(mem, frames.marks(table), table, ptx(va), work);
            va = (va & !(PTSIZE - 1)) + index * PGSIZE;
            if index < NPTENTRIES && *work > 0 {
                break;
            }
        }
        va.min(end)
    }

    /// The entry that a user access to `va` would use, if both levels grant `perm`.
    /// Above UTOP too this finds what the MMU would.
    pub fn translate<M: PhysMem>(self, mem: &M, va: u32, perm: Perm) -> Option<Pte> {
        let (_, entry) = self.translation(mem, va, perm)?;
        Some(entry)
    }

    /// As [`Space::translate`], with the entry's physical address.
    #[inline(always)]
    fn translation<M: PhysMem>(self, mem: &M, va: u32, perm: Perm) -> Option<(u32, Pte)> {
        let directory = self.directory_entry(mem, va);
        if !directory.grants(perm) || directory.grants(Perm::PS) {
            return None;
        }
        let slot = directory.frame().address() + ptx(va) * 4;
        let entry = Pte(mem.read(slot));
        entry.grants(perm).then_some((slot, entry))
    }

    /// The frame at `va`, if user code may write there, for the kernel to write on its
    /// behalf. Sets accessed and dirty, as the MMU would.
    #[inline(always)]
    pub(crate) fn frame_to_write<M: PhysMem>(self, mem: &mut M, va: u32) -> Option<Pfn> {
        let (slot, entry) = self.translation(mem, va, Perm::WRITE)?;
        mem.write(slot, entry.0 | Perm::A.union(Perm::D).bits());
        Some(entry.frame())
    }

    /// The user mappings, ascending, as (address, entry). Takes time linear in the
    /// tables; for audit and monitor.
    pub fn mappings<'m, M: PhysMem>(self, mem: &'m M) -> impl Iterator<Item = (u32, Pte)> + 'm {
        (0..USER_TABLES)
            .map(move |index| (index, self.directory_entry(mem, index * PTSIZE)))
            .filter(|(_, table)| table.is_present())
            .flat_map(move |(index, table)| {
                (0..NPTENTRIES).map(move |i| {
                    let entry = Pte(mem.read(table.frame().address() + i * 4));
                    (index * PTSIZE + i * PGSIZE, entry)
                })
            })
            .filter(|(_, entry)| entry.is_present())
    }
}
