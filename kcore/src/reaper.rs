//! Reclaiming dead address spaces, a few hundred frames at a time.
//!
//! An environment dies at once (id, status, slot), but its page tables may name
//! a million frames, and the lock must not be held that long. So its space is
//! queued here, and each later kernel entry reclaims a bounded piece of it. An
//! allocation that would fail reclaims more.
//!
//! What it empties anyway is good for more than other free frames: a page table consists
//! of zeroes then, and a directory needs only to map itself to be a new one.
//!
//! The hard thing: a space must not be touched while a CPU has it loaded. A space
//! that died in this step is *fresh*; it becomes *ready* when the step's effects are
//! done, and every CPU that has left it has arrived where it was to go.

use crate::frames::{Frames, List, PART};
use crate::paging::scan::{GROUP, any_in_group, next_present};
use crate::paging::space::USER_TABLES;
use crate::paging::{Pte, Space};
use crate::phys::{Pfn, PhysMem};
use crate::watch::{Fact, Tell, Unwatched, Watcher, unmapped_in_dead};
use abi::layout::{PGSIZE, PTSIZE, UVPT, pdx};

/// Spaces that wait to be reclaimed, linked through the frames of their directories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reaper {
    /// Spaces that died in this step; some CPU may have them loaded.
    pub fresh: List,
    /// Spaces that no CPU has loaded.
    pub ready: List,
    /// The directory of the last of these; 0 if there is none.
    pub ready_tail: u32,
    /// The directory at the head of `ready` is empty below this index.
    pub cursor: u32,
}

/// One piece of work is over after so much of it. To release a frame counts 1, which is
/// 50 instructions; to look through a marked part of a page table, or to release the
/// table, counts [`LOOK`].
const PIECE_WORK: u32 = 256;
const LOOK: u32 = 4;

impl Reaper {
    /// Keeps a directory's marks in the directory, because its entry in the frame table
    /// is about to link it to others. The place is where it mapped itself, and where
    /// nobody who still has it loaded is served again.
    pub(crate) fn keep_marks<M: PhysMem>(mem: &mut M, frames: &Frames<'_>, space: Space) {
        let marks = frames.marks(space.pgdir);
        mem.write(kept_marks(space.pgdir), marks << 1); // bit 0 stays clear: not present
    }

    /// Queues a dead space that a CPU may still have loaded.
    pub(crate) fn add(&mut self, frames: &mut Frames<'_>, space: Space) {
        self.fresh = frames.push(self.fresh, space.pgdir);
    }

    /// Whether no space is left to reclaim.
    pub fn is_empty(&self) -> bool {
        self.bits() == 0
    }

    /// Whether a space has died in this step.
    pub(crate) fn has_fresh(&self) -> bool {
        self.fresh.head != 0
    }

    /// Not 0 if a space is left to reclaim.
    #[inline(always)]
    pub(crate) fn bits(&self) -> u32 {
        self.ready.head | self.fresh.head
    }

    /// The step's effects are done, so no CPU has the fresh spaces loaded.
    pub(crate) fn settle(&mut self, frames: &mut Frames<'_>) {
        while self.fresh.head != 0 {
            let directory = Pfn(self.fresh.head);
            self.fresh.head = frames.entry(directory).next;
            self.append(frames, Space { pgdir: directory });
        }
        self.fresh = List::default();
    }

    /// Queues a dead space that no CPU has loaded; at the end of `ready`, because the
    /// space at its head may be half reclaimed, and `cursor` belongs to that one.
    pub(crate) fn append(&mut self, frames: &mut Frames<'_>, space: Space) {
        frames.entry(space.pgdir).next = 0;
        if self.ready.head == 0 {
            self.ready.head = space.pgdir.0;
            self.cursor = 0;
        } else {
            frames.entry(Pfn(self.ready_tail)).next = space.pgdir.0;
        }
        self.ready_tail = space.pgdir.0;
        self.ready.len = self.ready.len.wrapping_add(1);
    }

    /// Reclaims a bounded piece. Returns whether there was anything to reclaim.
    pub(crate) fn work<M: PhysMem, W: Watcher>(
        &mut self,
        mem: &mut M,
        frames: &mut Frames<'_>,
        watcher: &mut W,
    ) -> bool {
        if self.ready.head == 0 {
            return false;
        }
        let directory = Pfn(self.ready.head);
        let marks = mem.read(kept_marks(directory)) >> 1;
        let mut work = 0;
        while work < PIECE_WORK {
            // Marks end with a part, and the last part is the kernel's as well.
            let mut looks = u32::MAX;
            let index = next_present(mem, marks, directory, self.cursor, &mut looks);
            if index >= USER_TABLES {
                self.finish(mem, frames, watcher, directory);
                return true;
            }
            self.cursor = index;
            let slot = directory.address() + index * 4;
            let dead = DeadTable {
                frame: Pte(mem.read(slot)).frame(),
                space: Space { pgdir: directory },
                first: index * PTSIZE,
            };
            let is_done = if watcher.is_listening() {
                dead.empty(mem, frames, watcher, &mut work)
            } else {
                dead.empty(mem, frames, &mut Unwatched, &mut work)
            };
            if !is_done {
                return true;
            }
            mem.write(slot, 0);
            self.cursor = index + 1;
        }
        true
    }

    fn finish<M: PhysMem, W: Watcher>(
        &mut self,
        mem: &mut M,
        frames: &mut Frames<'_>,
        watcher: &mut W,
        directory: Pfn,
    ) {
        let next = frames.entry(directory).next;
        self.ready.head = next;
        self.ready.len = self.ready.len.wrapping_sub(1);
        self.cursor = 0;
        if next == 0 {
            self.ready_tail = 0;
        }
        frames.release_empty_directory(mem, directory);
        watcher.tell(|| Fact::Freed { frame: directory });
    }
}

/// A page table of a dead space.
struct DeadTable {
    frame: Pfn,
    space: Space,
    /// The first address that the table maps.
    first: u32,
}

impl DeadTable {
    /// Releases the frames that the table maps, one marked part after another, and then
    /// its own. A part that is done has no mark any more, so what is left for the next
    /// piece is in the marks. Adds to `work`. Returns false if that is enough for a
    /// piece, and the table is not done. Out of line, because its loop needs every register;
    /// most of all without a watcher, for which it is compiled by itself.
    #[inline(never)]
    fn empty<M: PhysMem, W: Watcher>(
        self,
        mem: &mut M,
        frames: &mut Frames<'_>,
        watcher: &mut W,
        work: &mut u32,
    ) -> bool {
        let mut marks = frames.marks(self.frame);
        while marks != 0 {
            if *work >= PIECE_WORK {
                frames.set_marks(self.frame, marks);
                return false;
            }
            let start = marks.trailing_zeros() * PART;
            marks &= marks - 1;
            *work += LOOK;
            for group in (start..start + PART).step_by(GROUP as usize) {
                if any_in_group(mem, self.frame, group) {
                    self.empty_group(mem, frames, watcher, group, work);
                }
            }
        }
        *work += LOOK;
        frames.release_empty_table(mem, self.frame);
        watcher.tell(|| Fact::Freed { frame: self.frame });
        true
    }

    /// Releases what a few entries map, and leaves zeroes.
    #[inline(always)]
    fn empty_group<M: PhysMem, W: Watcher>(
        &self,
        mem: &mut M,
        frames: &mut Frames<'_>,
        watcher: &mut W,
        group: u32,
        work: &mut u32,
    ) {
        for index in group..group + GROUP {
            let slot = self.frame.address() + index * 4;
            let entry = Pte(mem.read(slot));
            if !entry.is_present() {
                continue;
            }
            mem.write(slot, 0);
            *work += 1;
            let va = self.first + index * PGSIZE;
            watcher.tell(|| unmapped_in_dead(self.space, va, entry));
            if frames.release_unseen(mem, entry.frame()) {
                watcher.tell(|| Fact::Freed {
                    frame: entry.frame(),
                });
            }
        }
    }
}

/// Physical address of the word that keeps a dead directory's marks.
const fn kept_marks(directory: Pfn) -> u32 {
    directory.address() + pdx(UVPT) * 4
}
