//! The way of an address through the page tables, in words.
//!
//! The hard thing is what to say of an address that is not mapped: how much around it
//! is not mapped either tells a wild pointer from one that is a little off.

use abi::Perm;
use abi::layout::{NPTENTRIES, PGSIZE, PTSIZE, pdx, ptx};
use kcore::Pfn;
use sim::memory::Memory;

/// The entries for an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// The address.
    pub va: u32,
    /// Its entry in the page directory.
    pub directory: u32,
    /// Its entry in the page table, if there is one.
    pub table: Option<u32>,
    /// If it is not mapped: the next page below that is, by the same page table.
    pub below: Option<u32>,
}

impl Walk {
    /// Looks at the entries in the space of this page directory.
    pub fn of(memory: &Memory, directory: Pfn, va: u32) -> Walk {
        let upper = memory.load(directory.address() + pdx(va) * 4);
        if !is_mapped(upper) {
            return Walk {
                va,
                directory: upper,
                ..Walk::default()
            };
        }
        let entry = |index: u32| memory.load((upper & !(PGSIZE - 1)) + index * 4);
        let own = entry(ptx(va));
        let mut lower = (0..ptx(va)).rev();
        let below = lower.find(|&index| is_mapped(entry(index)));
        let below = below.filter(|_| !is_mapped(own));
        Walk {
            va,
            directory: upper,
            table: Some(own),
            below: below.map(|index| (va & !(PTSIZE - 1)) + index * PGSIZE),
        }
    }

    /// Whether the page is one to be copied when it is written.
    pub fn is_copy_on_write(&self) -> bool {
        let perm = perm(self.table.unwrap_or_default());
        perm.contains(Perm::P | Perm::COW) && !perm.contains(Perm::W)
    }

    /// What the entries say.
    pub fn words(&self) -> String {
        let va = self.va;
        let Some(entry) = self.table else {
            let first = va & !(PTSIZE - 1);
            return format!(
                "directory entry {} is empty: no page from {first:#010x} to {:#010x} is mapped",
                pdx(va),
                first + (PTSIZE - 1)
            );
        };
        let (upper, lower) = (pdx(va), ptx(va));
        if !is_mapped(entry) {
            let rest = match self.below {
                Some(page) => format!(
                    "the next page below that is mapped is {page:#010x}, {} bytes away",
                    va - (page + (PGSIZE - 1))
                ),
                None => format!("nor is any of the {lower} pages below it in the same table"),
            };
            return format!(
                "directory entry {upper} has a page table; its entry {lower} of {NPTENTRIES} is \
                 empty; {rest}"
            );
        }
        let both = perm(self.directory & entry);
        let mut rights = String::from(if !both.contains(Perm::U) {
            "for the kernel only"
        } else if both.contains(Perm::W) {
            "may be written"
        } else {
            "read-only"
        });
        if self.is_copy_on_write() {
            rights += ", marked for copy-on-write";
        }
        if perm(entry).contains(Perm::SHARE) {
            rights += ", marked as shared";
        }
        format!(
            "directory entry {upper}, page table entry {lower}: frame {:#x}, {rights}",
            entry >> 12
        )
    }
}

fn perm(entry: u32) -> Perm {
    Perm::from_bits_truncate(entry)
}

fn is_mapped(entry: u32) -> bool {
    perm(entry).contains(Perm::P)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_words() {
        let none = Walk {
            va: 0x1234_5678,
            ..Walk::default()
        };
        assert!(none.words().contains("0x12000000 to 0x123fffff"));
        let empty = Walk {
            directory: 0x1007,
            table: Some(0),
            below: Some(0x1234_3000),
            ..none
        };
        let words = empty.words();
        assert!(words.contains("entry 837 of 1024"), "{words}");
        assert!(words.contains("0x12343000, 5753 bytes away"), "{words}");
        let mapped = |directory: u32, table: u32| {
            let walk = Walk {
                directory,
                table: Some(table),
                ..none
            };
            walk.words()
        };
        let (full, shared) = ((Perm::WRITE).bits(), Perm::SHARE.bits());
        let copied = (Perm::READ | Perm::COW).bits();
        for (directory, table, wanted) in [
            (
                full,
                copied,
                "frame 0x23, read-only, marked for copy-on-write",
            ),
            (full, full, "frame 0x23, may be written"),
            (full, full | shared, "may be written, marked as shared"),
            // The directory's rights count too.
            (Perm::READ.bits(), full, "frame 0x23, read-only"),
            (full, Perm::P.bits(), "frame 0x23, for the kernel only"),
        ] {
            let words = mapped(0x1000 | directory, 0x2_3000 | table);
            assert!(words.ends_with(wanted), "{words}");
        }
        let writable = Walk {
            table: Some(full | Perm::COW.bits()),
            ..none
        };
        assert!(!writable.is_copy_on_write());
    }
}
