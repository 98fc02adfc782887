//! Any position of a run, forwards and backwards.
//!
//! Snapshots are kept along the way, and a position is reached from the one before it
//! by running again; the machine does the same things every time. The hard thing is to
//! keep few of them: when there are [`MOST`], every other one is dropped and the next
//! ones are twice as far apart. So a step back in a run of any length repeats at most
//! one part in [`MOST`] / 2 of it.
//!
//! Whoever types something or writes into memory makes another run of it, from there
//! on ([`History::cut`]). The snapshot taken then is never dropped, but by going back
//! before it: then the change was never made.

use crate::pc::Pc;
use crate::snapshot::{Snapshot, Snapshots};

/// The most snapshots that are kept, the first one not counted.
pub const MOST: usize = 128;
/// Positions between two snapshots, at first.
const FIRST_DISTANCE: u64 = 20_000;

/// The snapshots of a run.
#[derive(Debug)]
pub struct History {
    snapshots: Snapshots,
    /// By position, ascending. The first one is where the history begins.
    kept: Vec<Snapshot>,
    /// Where the run was changed from outside, ascending. There are snapshots there.
    changes: Vec<u64>,
    /// Positions between two of them.
    distance: u64,
    /// The furthest position that was reached.
    end: u64,
    /// Whether nothing comes after `end`.
    is_whole: bool,
    /// The most snapshots after the first.
    most: usize,
}

impl History {
    /// A history that begins here.
    pub fn new(pc: &mut Pc<'_>) -> History {
        History::with_most(pc, MOST)
    }

    /// As [`History::new`], with at most so many snapshots: fewer take less memory, and
    /// a step back repeats more.
    pub fn with_most(pc: &mut Pc<'_>, most: usize) -> History {
        let mut snapshots = Snapshots::new(pc);
        let first = snapshots.take(pc);
        History {
            snapshots,
            end: first.position(),
            kept: vec![first],
            changes: Vec::new(),
            distance: FIRST_DISTANCE,
            is_whole: false,
            most,
        }
    }

    /// Where it begins.
    pub fn start(&self) -> u64 {
        self.kept[0].position()
    }

    /// The furthest position that was reached.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Whether the run is over or asleep at [`History::end`].
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// How many snapshots there are.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Where the run was last changed from outside, if it was.
    pub fn changed(&self) -> Option<u64> {
        self.changes.last().copied()
    }

    /// Goes to a position, or as far as the run goes; returns where that is.
    pub fn go_to(&mut self, pc: &mut Pc<'_>, position: u64) -> u64 {
        self.forget_changes_after(position.max(self.start()));
        let before = self.before(position);
        let here = pc.position();
        if position < here || before.position() > here {
            let before = before.clone();
            self.snapshots.put(pc, &before);
        }
        while pc.position() < position {
            let left = position - pc.position();
            if self.forward(pc, left.min(self.distance)) == 0 {
                break;
            }
        }
        pc.position()
    }

    /// Goes on by at most `most` positions; returns how many there were.
    pub fn forward(&mut self, pc: &mut Pc<'_>, most: u64) -> u64 {
        let start = pc.position();
        while pc.position() - start < most {
            let left = self.room(pc.position(), most - (pc.position() - start));
            if pc.advance(left) == 0 {
                self.is_whole = true;
                break;
            }
            self.passed(pc);
        }
        pc.position() - start
    }

    /// Goes on until the plan has to decide again, or a snapshot is due, for at most
    /// `most` positions; returns how many there were.
    pub fn turn(&mut self, pc: &mut Pc<'_>, most: u64) -> u64 {
        let start = pc.position();
        let left = self.room(start, most);
        while left > 0 && pc.position() == start {
            if pc.has_ended() || pc.is_asleep() {
                self.is_whole = true;
                break;
            }
            // A turn of a CPU that has nothing to do makes no position.
            pc.turn(left);
        }
        self.passed(pc);
        pc.position() - start
    }

    /// How far it is to where a snapshot may be due, but no further than `most`.
    fn room(&self, here: u64, most: u64) -> u64 {
        most.min(self.distance - here % self.distance)
    }

    /// The last snapshot at or before a position; the first one if there is none.
    pub fn before(&self, position: u64) -> &Snapshot {
        let after = self
            .kept
            .partition_point(|kept| kept.position() <= position);
        &self.kept[after.saturating_sub(1)]
    }

    /// Something was typed or written here: what was seen beyond is no longer true.
    pub fn cut(&mut self, pc: &mut Pc<'_>) {
        let here = pc.position();
        self.kept.retain(|kept| kept.position() < here);
        self.kept.push(self.snapshots.take(pc));
        if self.changed() != Some(here) {
            self.changes.push(here);
        }
        (self.end, self.is_whole) = (here, false);
    }

    /// As [`History::cut`], where something was changed before at this very position: the
    /// snapshot from before that stays the one to go back to.
    pub fn cut_after(&mut self, here: u64) {
        self.kept.retain(|kept| kept.position() <= here);
        (self.end, self.is_whole) = (here, false);
    }

    /// Changes after `position` were never made, if that is where we are.
    fn forget_changes_after(&mut self, position: u64) {
        let count = self.changes.partition_point(|&change| change <= position);
        let Some(&first) = self.changes.get(count) else {
            return;
        };
        self.changes.truncate(count);
        self.kept.retain(|kept| kept.position() < first);
        (self.end, self.is_whole) = (first - 1, false);
    }

    fn passed(&mut self, pc: &mut Pc<'_>) {
        let here = pc.position();
        if here <= self.end {
            return;
        }
        self.end = here;
        let last = self.kept[self.kept.len() - 1].position();
        if here < last + self.distance {
            return;
        }
        if self.kept.len() > self.most {
            let mut number = 0;
            self.kept.retain(|kept| {
                number += 1;
                number % 2 == 1 || self.changes.contains(&kept.position())
            });
            self.distance *= 2;
        } else {
            self.kept.push(self.snapshots.take(pc));
        }
    }
}
