//! One entry of the list that [`crate::Call::PageRanges`] works through.
//!
//! The hard thing is that the kernel writes to it too. How far it has come stands in
//! the entry, in the program's memory, so that a call over many pages can be divided
//! into short steps, and so that a program can make the call again after an error.

use crate::env::EnvId;
use crate::perm::Perm;

/// What is done with a range of pages, for which of them, and how far that has come.
///
/// Page `n` of the range is at `source_va + n * 4096` in `source`, and at
/// `target_va + n * 4096` in `target`. Pages are dealt with in ascending order. What
/// is not mapped in `source` is passed over, and so is what is not selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PageRange {
    /// One of [`PageRange::SHARE`] to [`PageRange::UNMAP`], and with
    /// [`PageRange::SHARE`] perhaps [`PageRange::BOTH`] and [`PageRange::REST`].
    pub action: u32,
    /// Where pages are taken from; only for sharing and copying.
    pub source: EnvId,
    /// Address of the first of them.
    pub source_va: u32,
    /// Whose mappings change.
    pub target: EnvId,
    /// Address of the first of them.
    pub target_va: u32,
    /// The number of pages.
    pub pages: u32,
    /// Selects pages that have one of these permissions in `source`; if empty, all.
    pub any: u16,
    /// Does not select pages that have one of these.
    pub none: u16,
    /// These permissions a selected page loses on its way to `target`.
    pub clear: u16,
    /// Then it gets these. Of [`PageRange::ALLOC`], all that the new pages have.
    pub set: u16,
    /// Written by the kernel: so many pages have been dealt with. 0 at first.
    pub done: u32,
    /// Written by the kernel: 0, or the negated error that page `done` met.
    pub result: i32,
}

impl PageRange {
    /// Maps the pages of `source` in `target`, as [`crate::Call::PageMap`] does.
    pub const SHARE: u32 = 0;
    /// Maps copies of them, as [`crate::Call::PageCopy`] does.
    pub const COPY: u32 = 1;
    /// Maps fresh pages, as [`crate::Call::PageAlloc`] does.
    pub const ALLOC: u32 = 2;
    /// Unmaps pages, as [`crate::Call::PageUnmap`] does.
    pub const UNMAP: u32 = 3;
    /// Selected pages change their permissions in `source` too, which must be the
    /// caller.
    pub const BOTH: u32 = 1 << 8;
    /// Pages that are not selected are shared too, with the permissions that they have.
    pub const REST: u32 = 1 << 9;

    /// The number of words of an entry.
    pub const WORDS: usize = 10;
    /// Bytes of an entry.
    pub const SIZE: u32 = 4 * PageRange::WORDS as u32;
    /// How far into an entry [`PageRange::done`] and [`PageRange::result`] are, in bytes.
    pub const PROGRESS: u32 = 4 * 8;
    /// The most entries that a list may have.
    pub const MAX: u32 = 32;

    /// The entry that these words are.
    pub const fn from_words(words: [u32; PageRange::WORDS]) -> PageRange {
        let [action, source, source_va, target, target_va, pages, ..] = words;
        let [.., select, change, done, result] = words;
        PageRange {
            action,
            source: EnvId(source as i32),
            source_va,
            target: EnvId(target as i32),
            target_va,
            pages,
            any: select as u16,
            none: (select >> 16) as u16,
            clear: change as u16,
            set: (change >> 16) as u16,
            done,
            result: result as i32,
        }
    }

    /// The words in memory.
    pub const fn words(&self) -> [u32; PageRange::WORDS] {
        [
            self.action,
            self.source.0 as u32,
            self.source_va,
            self.target.0 as u32,
            self.target_va,
            self.pages,
            self.any as u32 | (self.none as u32) << 16,
            self.clear as u32 | (self.set as u32) << 16,
            self.done,
            self.result as u32,
        ]
    }

    /// The permissions with which a page that has `old` in `source` is mapped in
    /// `target`, and whether it is selected; none if it is passed over.
    pub fn rule(&self, old: Perm) -> Option<(Perm, bool)> {
        let old = old & Perm::SYSCALL;
        // A page that is mapped has some of all.
        let any = match self.any {
            0 => Perm::SYSCALL.bits(),
            any => any.into(),
        };
        if old.bits() & any != 0 && old.bits() & u32::from(self.none) == 0 {
            let new = old.bits() & !u32::from(self.clear) | u32::from(self.set);
            return Some((Perm::from_bits_retain(new), true));
        }
        (self.action & PageRange::REST != 0).then_some((old, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn an_entry_has_its_place_in_memory() {
        assert_eq!(size_of::<PageRange>(), PageRange::SIZE as usize);
        assert_eq!(offset_of!(PageRange, any), 24);
        assert_eq!(offset_of!(PageRange, set), 30);
        assert_eq!(offset_of!(PageRange, done), PageRange::PROGRESS as usize);
        assert_eq!(offset_of!(PageRange, result), 36);
    }

    #[test]
    fn words_round_trip() {
        let words = core::array::from_fn(|i| 0x8001_0203 + i as u32 * 0x0101_0101);
        assert_eq!(PageRange::from_words(words).words(), words);
    }

    #[test]
    fn the_rule_of_a_fork() {
        let bits = |perm: Perm| perm.bits() as u16;
        let range = PageRange {
            action: PageRange::SHARE | PageRange::REST,
            any: bits(Perm::W | Perm::COW),
            none: bits(Perm::SHARE),
            clear: bits(Perm::W),
            set: bits(Perm::COW),
            ..PageRange::default()
        };
        let cow = Perm::READ | Perm::COW;
        assert_eq!(range.rule(Perm::WRITE | Perm::D), Some((cow, true)));
        assert_eq!(range.rule(cow), Some((cow, true)));
        assert_eq!(range.rule(Perm::READ | Perm::A), Some((Perm::READ, false)));
        let shared = Perm::WRITE | Perm::SHARE;
        assert_eq!(range.rule(shared), Some((shared, false)));
        let selected_only = PageRange { action: 0, ..range };
        assert_eq!(selected_only.rule(shared), None);
        assert_eq!(PageRange::default().rule(shared), Some((shared, true)));
    }
}
