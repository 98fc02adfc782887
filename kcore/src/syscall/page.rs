//! Calls about pages: making, sharing and taking away mappings.
//!
//! The hard thing is revocation. When a call here returns, no CPU may still use a
//! translation that the call replaced, and until then the frame behind it must not be
//! reused. So every replacement goes through [`Kernel::replace`], which names the CPU
//! that must flush, and released frames go to limbo.

use super::{CallResult, Caller, Outcome};
use crate::effects::Effects;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::paging::{Pte, UserPage};
use crate::phys::{Pfn, PhysMem};
use crate::step::Remote;
use crate::watch::{Tell, Watcher};
use abi::layout::PGSIZE;
use abi::{Error, Perm, TrapFrame};

/// The bits of an address within its page.
const PAGE_OFFSET: u32 = PGSIZE - 1;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    #[inline(always)]
    pub(super) fn sys_page_alloc(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        // lab: page_alloc {
        let [id, va, perm, _] = frame.arguments();
        let target = self.own_env(caller, id)?;
        let page = UserPage::new(va).ok_or(Error::Inval)?;
        let perm = Perm::from_argument(perm).ok_or(Error::Inval)?;
        self.map_fresh(caller, target, page, perm)?;
        Ok(Outcome::Done(0))
        // lab: page_alloc }
    }

    pub(super) fn sys_page_map(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [source, source_va, target, target_va] = frame.arguments();
        let perm = match self.fifth_argument(caller, frame) {
            Ok(perm) => perm,
            Err(bad) => return Ok(Outcome::Bad(bad)),
        };
        // lab: page_map {
        let source = self.own_env(caller, source)?;
        let target = self.own_env(caller, target)?;
        let source_page = UserPage::new(source_va).ok_or(Error::Inval)?;
        let target_page = UserPage::new(target_va).ok_or(Error::Inval)?;
        let perm = Perm::from_argument(perm).ok_or(Error::Inval)?;
        let frame = self.shareable(source, source_page, perm)?;
        self.share(caller, target, target_page, frame, perm)?;
        Ok(Outcome::Done(0))
        // lab: page_map }
    }

    /// As [`Call::PageMap`](abi::Call::PageMap), but the target gets a copy of the page,
    /// which it may write whether or not the source may. If nobody else has the page,
    /// a copy in its own place needs no new frame.
    pub(super) fn sys_page_copy(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        // lab: page_copy {
        let [source, source_va, target, place] = frame.arguments();
        let source = self.own_env(caller, source)?;
        let target = self.own_env(caller, target)?;
        let source_page = UserPage::new(source_va).ok_or(Error::Inval)?;
        let target_page = UserPage::new(place & !PAGE_OFFSET).ok_or(Error::Inval)?;
        let perm = Perm::from_argument(place & PAGE_OFFSET).ok_or(Error::Inval)?;
        self.copy(caller, (source, source_page), (target, target_page), perm)?;
        Ok(Outcome::Done(0))
        // lab: page_copy }
    }

    /// Maps a copy of a page. The page must be mapped.
    pub(super) fn copy(
        &mut self,
        caller: Caller,
        (source, source_page): (Slot, UserPage),
        (target, target_page): (Slot, UserPage),
        perm: Perm,
    ) -> Result<(), Error> {
        // lab: page_copy {
        let frame = self.shareable(source, source_page, Perm::READ)?;
        let in_place = (source, source_page) == (target, target_page);
        if in_place && self.frames.count(frame) == 1 {
            return self.share(caller, target, target_page, frame, perm);
        }
        let slot = self.envs[target].space.slot(&self.mem, target_page.va());
        self.reserve(1 + u32::from(slot.is_none()))?;
        let copy = self.frames.alloc(&mut self.mem)?;
        self.mem.copy_bytes(copy.address(), frame.address(), PGSIZE);
        self.place_at(caller, target, target_page, slot, Pte::new(copy, perm))
        // lab: page_copy }
    }

    #[inline(always)]
    pub(super) fn sys_page_unmap(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        // lab: page_unmap {
        let [id, va, ..] = frame.arguments();
        let target = self.own_env(caller, id)?;
        let page = UserPage::new(va).ok_or(Error::Inval)?;
        self.unmap(caller, target, page);
        Ok(Outcome::Done(0))
        // lab: page_unmap }
    }

    /// Removes the mapping of `page` in `target`, if there is one.
    #[inline(always)]
    pub(super) fn unmap(&mut self, caller: Caller, target: Slot, page: UserPage) {
        // lab: page_unmap {
        let space = self.envs[target].space;
        if let Some(slot) = space.slot(&self.mem, page.va()) {
            self.replace(caller, target, page, slot, Pte::EMPTY);
        }
        // lab: page_unmap }
    }

    /// Maps a zeroed frame. Reserves memory for it and for a page table first.
    #[inline(always)]
    pub(super) fn map_fresh(
        &mut self,
        caller: Caller,
        target: Slot,
        page: UserPage,
        perm: Perm,
    ) -> Result<(), Error> {
        // lab: page_alloc {
        let slot = self.envs[target].space.slot(&self.mem, page.va());
        self.reserve(1 + u32::from(slot.is_none()))?;
        let frame = self.clean_frame(caller.cpu)?;
        self.place_at(caller, target, page, slot, Pte::new(frame, perm))
        // lab: page_alloc }
    }

    /// Takes a frame with a count of 1, and fills it with zeroes. The caller must have
    /// reserved it.
    #[inline(always)]
    pub(crate) fn fresh_frame(&mut self) -> Result<Pfn, Error> {
        let frame = self.frames.alloc(&mut self.mem)?;
        self.mem.zero_frame(frame);
        Ok(frame)
    }

    /// As [`Kernel::fresh_frame`], but once in a step without the work: takes this CPU's
    /// clean frame, and puts another one in its place, which the CPU clears without the lock.
    #[inline(always)]
    pub(crate) fn clean_frame(&mut self, cpu: CpuId) -> Result<Pfn, Error> {
        let clean = self.cpus[cpu].clean;
        if clean == Pfn(0) || self.effects.contains(Effects::CLEAR) {
            return self.fresh_frame();
        }
        let next = self.frames.alloc(&mut self.mem)?;
        self.cpus[cpu].clean = next;
        self.outbox.clear = next;
        self.effects |= Effects::CLEAR;
        Ok(clean)
    }

    /// The frame that `source` has at `page`, if it may share that with `perm`: the
    /// page must be mapped, and must be writeable if `perm` is.
    pub(crate) fn shareable(&self, source: Slot, page: UserPage, perm: Perm) -> Result<Pfn, Error> {
        // lab: page_map {
        let entry = self.envs[source].space.entry(&self.mem, page);
        let writeable = entry.grants(Perm::W);
        if !entry.is_present() || (perm.contains(Perm::W) && !writeable) {
            return Err(Error::Inval);
        }
        Ok(entry.frame())
        // lab: page_map }
    }

    /// Maps a frame that is already mapped elsewhere. Fails, before it changes
    /// anything, if memory is short or the frame's public count is full.
    #[inline(always)]
    pub(crate) fn share(
        &mut self,
        caller: Caller,
        target: Slot,
        page: UserPage,
        frame: Pfn,
        perm: Perm,
    ) -> Result<(), Error> {
        let slot = self.envs[target].space.slot(&self.mem, page.va());
        let old = slot.map_or(Pte::EMPTY, |slot| Pte(self.mem.read(slot)));
        let replaces_itself = old.is_present() && old.frame() == frame;
        if !replaces_itself && !self.frames.can_map(frame) {
            return Err(Error::NoMem);
        }
        if slot.is_none() {
            self.reserve(1)?;
        }
        if !replaces_itself {
            self.frames.retain(&mut self.mem, frame);
        }
        self.place_at(caller, target, page, slot, Pte::new(frame, perm))
    }

    /// As [`Kernel::place`] where the entry's place is known, if it has one.
    #[inline(always)]
    fn place_at(
        &mut self,
        caller: Caller,
        target: Slot,
        page: UserPage,
        slot: Option<u32>,
        entry: Pte,
    ) -> Result<(), Error> {
        match slot {
            Some(slot) => self.replace(caller, target, page, slot, entry),
            None => self.place(caller, target, page, entry)?,
        }
        Ok(())
    }

    /// Stores an entry, which the count of its frame must already include. The caller
    /// must have reserved memory for a page table.
    #[inline(never)]
    pub(crate) fn place(
        &mut self,
        caller: Caller,
        target: Slot,
        page: UserPage,
        entry: Pte,
    ) -> Result<(), Error> {
        let space = self.envs[target].space;
        let env = &self.envs[target];
        let slot = space.ensure_table(&mut self.mem, &mut self.frames, page, |table| {
            self.watcher.tell(|| env.table_made(page.va(), table));
        })?;
        self.replace(caller, target, page, slot, entry);
        Ok(())
    }

    /// Replaces the entry at `slot`, which maps `page` in `target`. Releases the frame of the
    /// old one, and makes the CPU that runs `target` flush the translation.
    #[inline(always)]
    pub(super) fn replace(
        &mut self,
        caller: Caller,
        target: Slot,
        page: UserPage,
        slot: u32,
        entry: Pte,
    ) {
        let old = Pte(self.mem.read(slot));
        self.mem.write(slot, entry.0);
        self.watcher
            .tell(|| self.envs[target].mapped(page.va(), old, entry));
        if !old.is_present() {
            self.frames.mark(slot);
            return;
        }
        if old.frame() != entry.frame() {
            self.frames.release(&mut self.mem, old.frame());
        }
        match self.envs[target].on_cpu {
            Some(cpu) if cpu == caller.cpu => {
                self.effects |= Effects::FLUSH;
                self.outbox.flush = page.va();
            }
            Some(cpu) => {
                self.effects |= Effects::REMOTE;
                self.outbox.remote = Some(Remote::Flush(cpu));
            }
            None => {}
        }
    }
}
