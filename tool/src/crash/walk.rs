//! The way of an address through the page tables, in words.
//!
//! The hard thing is what to say of an address that is not mapped: how much around it
//! is not mapped either tells a wild pointer from one that is a little off.

use abi::layout::{NPTENTRIES, PGSIZE, PTSIZE, pdx, ptx};
use kcore::Pfn;
use sim::memory::Memory;

const PRESENT: u32 = 1;
const WRITE: u32 = 2;
const USER: u32 = 4;
/// The bit by which JOS's library marks a page that is to be copied when it is written.
const COPY_ON_WRITE: u32 = 0x800;
/// The bit by which it marks a page that `fork` shares.
const SHARED: u32 = 0x400;

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
        if upper & PRESENT == 0 {
            return Walk {
                va,
                directory: upper,
                ..Walk::default()
            };
        }
        let entry = |index: u32| memory.load((upper & !(PGSIZE - 1)) + index * 4);
        let own = entry(ptx(va));
        let mut lower = (0..ptx(va)).rev();
        let below = lower.find(|&index| entry(index) & PRESENT != 0);
        let below = below.filter(|_| own & PRESENT == 0);
        Walk {
            va,
            directory: upper,
            table: Some(own),
            below: below.map(|index| (va & !(PTSIZE - 1)) + index * PGSIZE),
        }
    }

    /// Whether the page is one to be copied when it is written.
    pub fn is_copy_on_write(&self) -> bool {
        let entry = self.table.unwrap_or_default();
        entry & (PRESENT | WRITE | COPY_ON_WRITE) == PRESENT | COPY_ON_WRITE
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
        if entry & PRESENT == 0 {
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
        let both = self.directory & entry;
        let mut rights = String::from(match (both & USER, both & WRITE) {
            (0, _) => "for the kernel only",
            (_, 0) => "read-only",
            _ => "may be written",
        });
        if self.is_copy_on_write() {
            rights += ", marked for copy-on-write";
        }
        if entry & SHARED != 0 {
            rights += ", marked as shared";
        }
        format!(
            "directory entry {upper}, page table entry {lower}: frame {:#x}, {rights}",
            entry >> 12
        )
    }
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
        let mapped = Walk {
            directory: 0x1007,
            table: Some(0x2_3805),
            ..none
        };
        let words = mapped.words();
        assert!(
            words.contains("frame 0x23, read-only, marked for copy"),
            "{words}"
        );
    }
}
