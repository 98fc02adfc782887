//! Pages, and how many frames there are for them.
//!
//! The hard thing is to count the frames that are not pages: each address space
//! takes one, and each span of 4 MiB that was ever used in it takes another; and
//! frames may be kept for a heap that is still growing ([`super::heap`]).

use super::{Expected, Model, Outcome, Page, heap};
use abi::Error;
use abi::layout::{PGSIZE, PTSIZE, UTOP};
use std::collections::BTreeMap;

impl Model {
    /// How many frames are in use.
    pub fn used(&self) -> usize {
        let spaces: usize = self.envs.values().map(|env| 1 + env.spans.len()).sum();
        let kept: usize = self.envs.values().map(heap::frames_kept).sum();
        spaces + self.counts().len() + kept
    }

    /// How often each page is mapped.
    pub fn counts(&self) -> BTreeMap<u64, usize> {
        let mut counts = BTreeMap::new();
        for page in self.envs.values().flat_map(|env| env.pages.values()) {
            *counts.entry(page.content).or_insert(0) += 1;
        }
        counts
    }

    pub(super) fn map_new(&mut self, id: u32, va: u32, perm: u32) {
        self.contents += 1;
        let content = self.contents;
        self.map(id, va, Page { content, perm });
    }

    pub(super) fn map(&mut self, id: u32, va: u32, page: Page) {
        let env = self.env(id);
        env.spans.insert(va / PTSIZE);
        env.pages.insert(va, page);
    }

    /// Fails unless `needed` frames are left.
    pub(super) fn room(&self, needed: usize) -> Result<(), Error> {
        if self.used() + needed <= self.frames {
            Ok(())
        } else {
            Err(Error::NoMem)
        }
    }

    /// How many frames a mapping at `va` needs besides its page.
    pub(super) fn table(&self, id: u32, va: u32) -> usize {
        usize::from(!self.envs[&id].spans.contains(&(va / PTSIZE)))
    }

    /// Fails unless a page that is mapped elsewhere can be mapped at `va` too.
    pub(super) fn shareable(&self, target: u32, va: u32, page: Page) -> Result<(), Error> {
        let old = self.envs[&target].pages.get(&va);
        let same = old.is_some_and(|old| old.content == page.content);
        if !same && self.counts()[&page.content] >= 65_535 {
            return Err(Error::NoMem);
        }
        match self.table(target, va) {
            0 => Ok(()),
            tables => self.room(tables),
        }
    }

    /// The page that `source` has at `va`, as it would be mapped with `perm`.
    pub(super) fn offered(&self, source: u32, va: u32, perm: u32) -> Result<Page, Error> {
        check_perm(perm)?;
        let page = self.envs[&source].pages.get(&va).ok_or(Error::Inval)?;
        if perm & 2 != 0 && page.perm & 2 == 0 {
            return Err(Error::Inval);
        }
        Ok(Page { perm, ..*page })
    }

    pub(super) fn page_alloc(&mut self, caller: u32, [id, va, perm, ..]: [u32; 5]) -> Outcome {
        let id = self.own(caller, id)?;
        check_va(va)?;
        check_perm(perm)?;
        self.room(1 + self.table(id, va))?;
        self.map_new(id, va, perm);
        Ok(Expected::Value(0))
    }

    pub(super) fn page_map(
        &mut self,
        caller: u32,
        [from, from_va, to, to_va, perm]: [u32; 5],
    ) -> Outcome {
        let from = self.own(caller, from)?;
        let to = self.own(caller, to)?;
        check_va(from_va)?;
        check_va(to_va)?;
        let page = self.offered(from, from_va, perm)?;
        self.shareable(to, to_va, page)?;
        self.map(to, to_va, page);
        Ok(Expected::Value(0))
    }

    pub(super) fn page_copy(
        &mut self,
        caller: u32,
        [from, from_va, to, place, _]: [u32; 5],
    ) -> Outcome {
        let from = self.own(caller, from)?;
        let to = self.own(caller, to)?;
        let (to_va, perm) = (place / PGSIZE * PGSIZE, place % PGSIZE);
        check_va(from_va)?;
        check_va(to_va)?;
        check_perm(perm)?;
        self.copy(from, from_va, to, to_va, perm)?;
        Ok(Expected::Value(0))
    }

    /// Maps a copy of a page. A page that nobody else has may stay where it is.
    pub(super) fn copy(
        &mut self,
        from: u32,
        from_va: u32,
        to: u32,
        to_va: u32,
        perm: u32,
    ) -> Result<(), Error> {
        let page = *self.envs[&from].pages.get(&from_va).ok_or(Error::Inval)?;
        if (from, from_va) == (to, to_va) && self.counts()[&page.content] == 1 {
            self.map(to, to_va, Page { perm, ..page });
        } else {
            self.room(1 + self.table(to, to_va))?;
            self.map_new(to, to_va, perm);
        }
        Ok(())
    }

    pub(super) fn page_unmap(&mut self, caller: u32, [id, va, ..]: [u32; 5]) -> Outcome {
        let id = self.own(caller, id)?;
        check_va(va)?;
        self.env(id).pages.remove(&va);
        Ok(Expected::Value(0))
    }
}

pub(super) fn check_va(va: u32) -> Result<(), Error> {
    if va < UTOP && va.is_multiple_of(PGSIZE) {
        Ok(())
    } else {
        Err(Error::Inval)
    }
}

pub(super) fn check_perm(perm: u32) -> Result<(), Error> {
    if perm & 5 == 5 && perm & !0xe07 == 0 {
        Ok(())
    } else {
        Err(Error::Inval)
    }
}
