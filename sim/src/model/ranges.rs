//! `page_ranges`: a list of ranges, each dealt with page by page.
//!
//! The hard thing is that an entry may fail, or the list itself become unreadable, in
//! the middle: what was done before stays done.

use super::pages::{check_perm, check_va};
use super::{Expected, Given, Model, Outcome, Page};
use abi::layout::{PGSIZE, UTOP};
use abi::{Error, PageRange};

const SHARE: u32 = 0;
const COPY: u32 = 1;
const ALLOC: u32 = 2;
const UNMAP: u32 = 3;
const BOTH: u32 = 0x100;
const REST: u32 = 0x200;

/// Who is concerned by an entry.
#[derive(Clone, Copy)]
struct Parties {
    from: u32,
    to: u32,
}

impl Model {
    pub(super) fn page_ranges(
        &mut self,
        caller: u32,
        [list, length, ..]: [u32; 5],
        words: Given,
    ) -> Outcome {
        self.progress.clear();
        if length > 32 {
            return Err(Error::Inval);
        }
        for index in 0..length {
            let at = list.wrapping_add(40 * index);
            if let Some(bad) = self.first_bad(caller, at, 40, 0) {
                self.kill_for(caller, bad);
                return Ok(Expected::Leaves);
            }
            let first = 10 * index as usize;
            let entry = std::array::from_fn(|word| words[first + word]);
            let mut entry = PageRange::from_words(entry);
            if entry.done < entry.pages {
                // Both before and after, because the entry may be about its own page.
                let noted_at = at.wrapping_add(32);
                let mut bad = self.first_bad(caller, noted_at, 8, 2);
                let mut result = Ok(());
                if bad.is_none() {
                    result = self.entry(caller, &mut entry);
                    bad = self.first_bad(caller, noted_at, 8, 2);
                }
                if let Some(bad) = bad {
                    self.kill_for(caller, bad);
                    return Ok(Expected::Leaves);
                }
                let value = self.envs[&caller].result_of(result);
                self.progress.push([entry.done, value]);
                if result.is_err() {
                    return Ok(Expected::Value(index));
                }
            } else {
                self.progress.push([entry.done, entry.result as u32]);
            }
        }
        Ok(Expected::Value(length))
    }

    fn entry(&mut self, caller: u32, entry: &mut PageRange) -> Result<(), Error> {
        let parties = self.check_entry(caller, entry)?;
        while entry.done < entry.pages {
            self.page(parties, entry, entry.done * PGSIZE)?;
            entry.done += 1;
        }
        Ok(())
    }

    fn check_entry(&self, caller: u32, entry: &PageRange) -> Result<Parties, Error> {
        let kind = entry.action & !(BOTH | REST);
        let flags = entry.action & (BOTH | REST);
        let sources = kind == SHARE || kind == COPY;
        let from = match sources {
            true => self.own(caller, entry.source.0 as u32)?,
            false => caller,
        };
        let to = self.own(caller, entry.target.0 as u32)?;
        let fits = |va: u32| {
            let end = u64::from(va) + u64::from(entry.pages) * u64::from(PGSIZE);
            va.is_multiple_of(PGSIZE) && end <= u64::from(UTOP)
        };
        let masks = [entry.any, entry.none, entry.clear, entry.set].map(u32::from);
        let [any, none, clear, set] = masks;
        let valid = match kind {
            SHARE | COPY => {
                fits(entry.source_va)
                    && clear & 5 == 0
                    && (kind == SHARE || flags == 0)
                    && (flags & BOTH == 0 || from == caller)
            }
            ALLOC => check_perm(set).is_ok() && any | none | clear | flags == 0,
            UNMAP => any | none | clear | set | flags == 0,
            _ => false,
        };
        if valid && fits(entry.target_va) && masks.iter().all(|mask| mask & !0xe07 == 0) {
            Ok(Parties { from, to })
        } else {
            Err(Error::Inval)
        }
    }

    /// Deals with one page of an entry.
    fn page(
        &mut self,
        Parties { from, to }: Parties,
        entry: &PageRange,
        offset: u32,
    ) -> Result<(), Error> {
        let (from_va, to_va) = (entry.source_va + offset, entry.target_va + offset);
        let kind = entry.action & 0xff;
        if kind == ALLOC {
            check_va(to_va)?;
            self.room(1 + self.table(to, to_va))?;
            self.map_new(to, to_va, entry.set.into());
        }
        if kind == UNMAP {
            self.env(to).pages.remove(&to_va);
        }
        let source = self.envs[&from].pages.get(&from_va).copied();
        let Some(page) = source.filter(|_| kind == SHARE || kind == COPY) else {
            return Ok(());
        };
        let old = page.perm;
        let selected =
            (entry.any == 0 || old & u32::from(entry.any) != 0) && old & u32::from(entry.none) == 0;
        let new = old & !u32::from(entry.clear) | u32::from(entry.set);
        match (kind, selected) {
            (COPY, true) => self.copy(from, from_va, to, to_va, new)?,
            (SHARE, true) => {
                let offered = self.offered(from, from_va, new)?;
                self.shareable(to, to_va, offered)?;
                self.map(to, to_va, offered);
                if entry.action & BOTH != 0 {
                    self.map(from, from_va, Page { perm: new, ..page });
                }
            }
            (SHARE, false) if entry.action & REST != 0 => {
                self.shareable(to, to_va, page)?;
                self.map(to, to_va, page);
            }
            _ => {}
        }
        Ok(())
    }
}
