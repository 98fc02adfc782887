//! `page_ranges`: many pages in one call.
//!
//! A program that gives a child its memory would otherwise make a call or two for
//! each page. Here a list in its memory names ranges of pages to share, copy, map or
//! unmap, and says how permissions change. What they mean remains the program's
//! affair: the kernel knows nothing of copy on write.
//!
//! The hard thing is that a step must be short, however long the list. So progress is
//! written to the list itself, and when a step has done enough the call is made again
//! later. The kernel keeps nothing of it, and trusts nothing in it: every step checks
//! everything anew.

use super::{CallResult, Caller, Outcome};
use crate::effects::Effects;
use crate::frames::PART;
use crate::ids::Slot;
use crate::kernel::Kernel;
use crate::paging::{Pte, UserPage};
use crate::phys::PhysMem;
use crate::usermem::{self, BadAddress, UserSlice};
use crate::watch::{Tell, Watcher};
use abi::layout::{NPTENTRIES, PGSIZE, UTOP, ptx};
use abi::{Error, PageRange, Perm, TrapFrame};

/// One step does at most this much work. The unit is some 70 instructions.
const WORK: u32 = 512;

/// The work of changing a mapping.
const CHANGE: u32 = 2;

/// The work of taking a frame, which is zeroed or copied to.
const FILLING: u32 = 16;

/// The most frames that one page takes: itself, and a page table.
const MOST_FRAMES: u32 = 2;

/// An entry of a list, with what it names.
#[derive(Clone, Copy)]
struct Range {
    entry: PageRange,
    source: Slot,
    target: Slot,
}

/// How far an entry has come.
enum Progress {
    Finished,
    Unfinished,
    Failed,
}

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Works through a list and returns its length, or the index of the first entry that
    /// failed.
    pub(super) fn sys_page_ranges(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [list, length, ..] = frame.arguments();
        if length > PageRange::MAX {
            return Err(Error::Inval);
        }
        let mut work = WORK;
        for index in 0..length {
            let place = list.wrapping_add(index * PageRange::SIZE);
            match self.work_on_entry(caller, place, &mut work) {
                Ok(Progress::Finished) => {}
                Ok(Progress::Unfinished) => return Ok(Outcome::Later),
                Ok(Progress::Failed) => return Ok(Outcome::Done(index)),
                Err(bad) => return Ok(Outcome::Bad(bad)),
            }
        }
        Ok(Outcome::Done(length))
    }

    /// Does what is left of the entry at `place`, or as much of that as there is `work`
    /// for, and writes to the entry how far it got.
    fn work_on_entry(
        &mut self,
        caller: Caller,
        place: u32,
        work: &mut u32,
    ) -> Result<Progress, BadAddress> {
        // A step that asks another CPU for something must not do so again, nor end the
        // caller, in whose place another one's pending call could.
        if *work == 0 || self.effects.contains(Effects::REMOTE) {
            return Ok(Progress::Unfinished);
        }
        let space = self.envs[caller.slot].space;
        let mut entry = PageRange::from_words(usermem::read_words(&mut self.mem, space, place)?);
        if entry.done >= entry.pages {
            return Ok(Progress::Finished);
        }
        let written = UserSlice {
            ptr: place.wrapping_add(PageRange::PROGRESS),
            len: 8,
        };
        written.check(&self.mem, space, Perm::WRITE)?;
        let outcome = self.work_on(caller, &mut entry, work);
        // A step can name only one page to flush.
        if self.effects.contains(Effects::FLUSH) {
            self.effects |= Effects::FLUSH_ALL;
        }
        let (progress, result) = match outcome {
            Ok(()) if entry.done == entry.pages => (Progress::Finished, 0),
            Ok(()) => (Progress::Unfinished, 0),
            Err(error) if self.may_succeed_later(error) => (Progress::Unfinished, 0),
            Err(error) => (Progress::Failed, self.failure(caller.slot, error)),
        };
        let bytes = [entry.done.to_le_bytes(), result.to_le_bytes()];
        match written.store(&mut self.mem, space, bytes.as_flattened()) {
            Ok(()) => Ok(progress),
            // The entry took the right to write its own page away. The next step finds
            // that out: this one has asked another CPU for something.
            Err(_) if self.effects.contains(Effects::REMOTE) => Ok(Progress::Unfinished),
            Err(bad) => Err(bad),
        }
    }

    /// Deals with the next pages of an entry.
    fn work_on(
        &mut self,
        caller: Caller,
        entry: &mut PageRange,
        work: &mut u32,
    ) -> Result<(), Error> {
        let range = self.check_range(caller, *entry)?;
        let takes_frames = range.action() != PageRange::UNMAP;
        while entry.done < entry.pages {
            entry.done = self.next_page(&range, entry.done, work);
            if entry.done == entry.pages || *work == 0 {
                break;
            }
            if range.action() == PageRange::SHARE && self.share_run(&range, entry, work) {
                continue;
            }
            let available = self.frames.available();
            let short = available < MOST_FRAMES && self.has_leftovers();
            self.deal_with(caller, &range, entry.done * PGSIZE)?;
            entry.done += 1;
            let taken = available.saturating_sub(self.frames.available());
            *work = work.saturating_sub(CHANGE + taken * FILLING);
            // To find memory takes long. And while another CPU still uses what a page
            // replaced, nothing may be taken that was given back.
            if short || self.effects.contains(Effects::REMOTE) && takes_frames {
                *work = 0;
            }
        }
        Ok(())
    }

    /// Checks an entry and looks up its environments.
    fn check_range(&self, caller: Caller, entry: PageRange) -> Result<Range, Error> {
        let mut range = Range {
            entry,
            source: caller.slot,
            target: caller.slot,
        };
        if let PageRange::SHARE | PageRange::COPY = range.action() {
            range.source = self.own_env(caller, entry.source.0 as u32)?;
        }
        range.target = self.own_env(caller, entry.target.0 as u32)?;
        match range.makes_sense(caller) {
            true => Ok(range),
            false => Err(Error::Inval),
        }
    }

    /// The number of the next page to deal with, the number of pages if there is none. Where
    /// pages are not made, unmapped ones are passed over.
    fn next_page(&self, range: &Range, done: u32, work: &mut u32) -> u32 {
        let (env, start) = match range.action() {
            PageRange::ALLOC => return done,
            PageRange::UNMAP => (range.target, range.entry.target_va),
            _ => (range.source, range.entry.source_va),
        };
        let space = self.envs[env].space;
        let next = start + done * PGSIZE;
        let end = start + range.entry.pages * PGSIZE;
        let found = space.next_mapped(&self.mem, &self.frames, next, end, work);
        (found - start) / PGSIZE
    }

    /// The short way for what a fork does most: shares pages that follow each other with
    /// a target that has nothing there and is on no CPU. Returns whether it shared any.
    /// Stops, before it changes anything, at a page where there is more to do.
    #[inline(never)]
    fn share_run(&mut self, range: &Range, entry: &mut PageRange, work: &mut u32) -> bool {
        let rules = range.entry;
        let offset = entry.done * PGSIZE;
        let (source_va, target_va) = (rules.source_va + offset, rules.target_va + offset);
        let target = &self.envs[range.target];
        if target.on_cpu.is_some() {
            return false;
        }
        let to = target.space.slot(&self.mem, target_va);
        let from = self.envs[range.source].space.slot(&self.mem, source_va);
        let (Some(mut from), Some(mut to)) = (from, to) else {
            return false;
        };
        let in_tables = NPTENTRIES - ptx(source_va).max(ptx(target_va));
        let most = in_tables.min(rules.pages - entry.done).min(*work / CHANGE);
        let both = rules.action & PageRange::BOTH != 0;
        let (mut shared, mut changed) = (0, None);
        // Pages that follow each other mostly have the same permissions.
        let mut ruled = (Perm::empty(), None);
        while shared < most {
            let old = Pte(self.mem.read(from));
            let perm = old.without_usage().perm();
            if perm != ruled.0 {
                ruled = (perm, rules.rule(perm));
            }
            let Some((perm, selected)) = ruled.1 else {
                break;
            };
            let gains = perm.contains(Perm::W) && !old.grants(Perm::W);
            let frame = old.frame();
            let occupied = Pte(self.mem.read(to)).is_present();
            if !old.is_present() || occupied || gains {
                break;
            }
            if !self.frames.retain_if_possible(&mut self.mem, frame) {
                break;
            }
            let new = Pte::new(frame, perm);
            self.mem.write(to, new.0);
            let moved = offset + shared * PGSIZE;
            self.watcher.tell(|| {
                let va = rules.target_va + moved;
                self.envs[range.target].mapped(va, Pte::EMPTY, new)
            });
            if both && selected && new != old.without_usage() {
                self.mem.write(from, new.0);
                changed = Some(moved);
                self.watcher.tell(|| {
                    let va = rules.source_va + moved;
                    self.envs[range.source].mapped(va, old, new)
                });
            }
            (from, to) = (from + 4, to + 4);
            shared += 1;
        }
        if shared == 0 {
            return false;
        }
        if let Some(offset) = changed {
            self.effects |= Effects::FLUSH;
            self.outbox.flush = rules.source_va + offset;
        }
        for slot in (to - shared * 4..to).step_by(4 * PART as usize) {
            self.frames.mark(slot);
        }
        self.frames.mark(to - 4);
        entry.done += shared;
        *work -= shared * CHANGE;
        true
    }

    /// Deals with the page `offset` bytes into the range.
    fn deal_with(&mut self, caller: Caller, range: &Range, offset: u32) -> Result<(), Error> {
        let Range { entry, target, .. } = *range;
        let page = UserPage::new(entry.target_va + offset).ok_or(Error::Inval)?;
        match range.action() {
            PageRange::ALLOC => {
                let perm = Perm::from_bits_retain(entry.set.into());
                self.map_fresh(caller, target, page, perm)?;
            }
            PageRange::UNMAP => self.unmap(caller, target, page),
            _ => self.pass_on(caller, range, offset, page)?,
        }
        Ok(())
    }

    /// Shares or copies a page that is mapped in the source, if it is wanted.
    fn pass_on(
        &mut self,
        caller: Caller,
        range: &Range,
        offset: u32,
        target_page: UserPage,
    ) -> Result<(), Error> {
        let Range {
            entry,
            source,
            target,
        } = *range;
        let page = UserPage::new(entry.source_va + offset).ok_or(Error::Inval)?;
        let Some(slot) = self.envs[source].space.slot(&self.mem, page.va()) else {
            return Ok(());
        };
        let old = Pte(self.mem.read(slot));
        let Some((perm, selected)) = entry.rule(old.perm()) else {
            return Ok(());
        };
        if range.action() == PageRange::COPY {
            return self.copy(caller, (source, page), (target, target_page), perm);
        }
        if perm.contains(Perm::W) && !old.grants(Perm::W) {
            return Err(Error::Inval);
        }
        self.share(caller, target, target_page, old.frame(), perm)?;
        // It may be the source's own page that was just mapped.
        let (now, new) = (Pte(self.mem.read(slot)), Pte::new(old.frame(), perm));
        let both = selected && entry.action & PageRange::BOTH != 0;
        if both && now.without_usage() != new {
            self.replace(caller, source, page, slot, new);
        }
        Ok(())
    }
}

impl Range {
    fn action(&self) -> u32 {
        self.entry.action & !(PageRange::BOTH | PageRange::REST)
    }

    /// Whether the entry's action, addresses and permissions are valid.
    fn makes_sense(&self, caller: Caller) -> bool {
        let entry = &self.entry;
        let all = u32::from(entry.any | entry.none | entry.clear | entry.set);
        let fits = |va: u32| {
            va <= UTOP && va.is_multiple_of(PGSIZE) && entry.pages <= (UTOP - va) / PGSIZE
        };
        let bare = (entry.any, entry.none, entry.clear) == (0, 0, 0);
        let keeps_rights = u32::from(entry.clear) & Perm::READ.bits() == 0;
        let flags = entry.action != self.action();
        let by_action = match self.action() {
            PageRange::SHARE => {
                let both = entry.action & PageRange::BOTH != 0;
                fits(entry.source_va) && keeps_rights && (!both || self.source == caller.slot)
            }
            PageRange::COPY => fits(entry.source_va) && keeps_rights && !flags,
            PageRange::ALLOC => Perm::from_argument(entry.set.into()).is_some() && bare && !flags,
            PageRange::UNMAP => entry.set == 0 && bare && !flags,
            _ => false,
        };
        by_action && fits(entry.target_va) && Perm::SYSCALL.bits() & all == all
    }
}
