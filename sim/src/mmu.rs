//! The MMU: page walks, and a TLB that remembers too much.
//!
//! Written from the processor's manual, not from the kernel's page-table code,
//! so that the two check each other (Intel SDM volume 3, 4.3 and 4.10). The
//! hard thing is the TLB: it keeps a translation until it is told to drop it,
//! whatever happens to the page tables meanwhile, and may fetch translations that
//! nobody asked for.

use crate::memory::Memory;
use kcore::{Pfn, PhysMem};
use std::hash::{Hash, Hasher};

const PRESENT: u32 = 1;
const WRITE: u32 = 2;
const USER: u32 = 4;
const ACCESSED: u32 = 0x20;
const DIRTY: u32 = 0x40;
const LARGE: u32 = 0x80;

/// How one page is translated for user mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Translation {
    /// The frame.
    pub frame: Pfn,
    /// Whether it may be written.
    pub writeable: bool,
}

/// Where a page walk ends.
struct Leaf {
    directory_entry: u32,
    table_entry: u32,
    translation: Translation,
}

#[inline]
fn walk_to_leaf(memory: &Memory, cr3: Pfn, va: u32) -> Option<Leaf> {
    let directory_entry = cr3.address() + (va >> 22) * 4;
    let upper = memory.read(directory_entry);
    if upper & (PRESENT | USER) != PRESENT | USER || upper & LARGE != 0 {
        return None;
    }
    let table_entry = (upper & !0xfff) + (va >> 12 & 0x3ff) * 4;
    let lower = memory.read(table_entry);
    if lower & (PRESENT | USER) != PRESENT | USER {
        return None;
    }
    Some(Leaf {
        directory_entry,
        table_entry,
        translation: Translation {
            frame: Pfn(lower >> 12),
            writeable: upper & lower & WRITE != 0,
        },
    })
}

/// How the page tables at `cr3` translate the page at `va` for user mode.
pub fn walk(memory: &Memory, cr3: Pfn, va: u32) -> Option<Translation> {
    walk_to_leaf(memory, cr3, va).map(|leaf| leaf.translation)
}

/// Whether the page at `va` is present, whoever may use it: the error code of a page
/// fault says so.
pub fn is_present(memory: &Memory, cr3: Pfn, va: u32) -> bool {
    let upper = memory.read(cr3.address() + (va >> 22) * 4);
    let lower = (upper & !0xfff) + (va >> 12 & 0x3ff) * 4;
    upper & PRESENT != 0 && (upper & LARGE != 0 || memory.read(lower) & PRESENT != 0)
}

/// As [`walk`], for an access that the CPU remembers no translation for: nothing if that
/// is refused. With `usage_bits`, marks the page in the page tables as accessed and
/// perhaps as written, as the processor does when it fetches a translation.
#[inline]
pub fn fetch(
    memory: &mut Memory,
    cr3: Pfn,
    va: u32,
    write: bool,
    usage_bits: bool,
) -> Option<Translation> {
    let leaf = walk_to_leaf(memory, cr3, va)?;
    if write && !leaf.translation.writeable {
        return None;
    }
    if usage_bits {
        let dirty = if write { DIRTY } else { 0 };
        set_bits(memory, leaf.directory_entry, ACCESSED);
        set_bits(memory, leaf.table_entry, ACCESSED | dirty);
    }
    Some(leaf.translation)
}

#[inline]
fn set_bits(memory: &mut Memory, entry: u32, bits: u32) {
    let old = memory.read(entry);
    if old & bits != bits {
        memory.write(entry, old | bits);
    }
}

/// Marks the page at `va` as written, which a CPU does that remembers its translation
/// and has not written there. Whatever the page tables hold there by now.
pub fn mark_written(memory: &mut Memory, cr3: Pfn, va: u32) {
    if let Some(leaf) = walk_to_leaf(memory, cr3, va) {
        set_bits(memory, leaf.directory_entry, ACCESSED);
        set_bits(memory, leaf.table_entry, ACCESSED | DIRTY);
    }
}

/// Translations that a CPU remembers.
#[derive(Clone, Debug, Default)]
pub struct Tlb {
    /// By page address, ascending.
    entries: Vec<(u32, Translation)>,
    /// How often it was told to forget.
    age: u64,
}

impl Tlb {
    /// The translation that it remembers for the page at `page`.
    #[inline]
    pub fn get(&self, page: u32) -> Option<Translation> {
        let index = self.find(page).ok()?;
        Some(self.entries[index].1)
    }

    /// A number that changes whenever it forgets something: as long as it stays the
    /// same, what was found in it can be found again.
    #[inline]
    pub fn age(&self) -> u64 {
        self.age
    }

    #[inline]
    fn find(&self, page: u32) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&page, |entry| entry.0)
    }

    /// Remembers a translation.
    #[inline]
    pub fn fill(&mut self, page: u32, translation: Translation) {
        match self.find(page) {
            Ok(index) => {
                self.age += 1;
                self.entries[index].1 = translation;
            }
            Err(index) => self.entries.insert(index, (page, translation)),
        }
    }

    /// Forgets one page (`invlpg`).
    pub fn forget(&mut self, page: u32) {
        self.age += 1;
        self.entries.retain(|entry| entry.0 != page);
    }

    /// Forgets everything (a load of CR3).
    pub fn clear(&mut self) {
        self.age += 1;
        self.entries.clear();
    }

    /// All remembered translations, with the addresses of their pages.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Translation)> + '_ {
        self.entries.iter().copied()
    }
}

/// Two are the same if they remember the same: their past does not matter to the
/// explorer.
impl PartialEq for Tlb {
    fn eq(&self, other: &Tlb) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Tlb {}

impl Hash for Tlb {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entries.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTORY: Pfn = Pfn(1);
    const TABLE: u32 = 2;
    const VA: u32 = 0x3000;

    /// Memory with one page, at [`VA`].
    fn with_page(rights: u32) -> Memory {
        let mut memory = Memory::new(4);
        memory.write(DIRECTORY.address(), TABLE << 12 | PRESENT | WRITE | USER);
        memory.write(
            TABLE << 12 | VA >> 12 << 2,
            3 << 12 | PRESENT | USER | rights,
        );
        memory
    }

    /// What both levels say of the page's use.
    fn usage(memory: &Memory) -> [u32; 2] {
        [DIRECTORY.address(), TABLE << 12 | VA >> 12 << 2]
            .map(|entry| memory.read(entry) & (ACCESSED | DIRTY))
    }

    #[test]
    fn a_fetch_marks_what_it_is_for() {
        let mut memory = with_page(WRITE);
        assert!(fetch(&mut memory, DIRECTORY, VA, false, false).is_some());
        assert_eq!(usage(&memory), [0, 0], "nobody wants it marked");
        assert!(fetch(&mut memory, DIRECTORY, VA, false, true).is_some());
        assert_eq!(usage(&memory), [ACCESSED, ACCESSED]);
        assert!(fetch(&mut memory, DIRECTORY, VA, true, true).is_some());
        assert_eq!(usage(&memory), [ACCESSED, ACCESSED | DIRTY]);
    }

    #[test]
    fn a_refused_access_marks_nothing() {
        let mut memory = with_page(0);
        assert_eq!(fetch(&mut memory, DIRECTORY, VA, true, true), None);
        assert_eq!(usage(&memory), [0, 0]);
    }

    #[test]
    fn a_write_by_a_remembered_translation_is_marked() {
        let mut memory = with_page(WRITE);
        mark_written(&mut memory, DIRECTORY, VA);
        assert_eq!(usage(&memory), [ACCESSED, ACCESSED | DIRTY]);
    }
}
