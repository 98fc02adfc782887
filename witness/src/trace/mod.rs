//! The trace: what happened inside the steps, for a person to read.
//!
//! Each [`Record`] says when, on which CPU, in which environment and why
//! something happened, and what: a page inserted or removed, a frame freed, an
//! entry, a switch, a message. Records are made from what the kernel tells its
//! watcher, and go to a ring. The hardware half takes them out after each step
//! and keeps them; the monitor prints the last ones.
//!
//! The hard thing is the ring: a reader that comes too late loses the oldest
//! records, and must learn how many.

mod display;
mod facts;
pub mod record;

use abi::EnvId;
use kcore::ids::MAX_CPUS;
use kcore::kernel::Kernel;

use record::Start;
pub use record::{Cause, Content, Kind, Mapping, RECORD_SIZE, Record, Words};

/// Version of the records' format. It is raised with every change.
pub const VERSION: u32 = 1;

/// A kernel whose watcher keeps a trace, or none.
pub type Traced<'t, M> = Kernel<'t, M, Trace<'t>>;

/// The trace of a kernel.
pub struct Trace<'t> {
    /// Where records are kept; empty if no trace is kept.
    ring: &'t mut [Words],
    /// Where the next record goes.
    next: usize,
    /// How many records there have been.
    made: u64,
    /// How many of the latest records nobody has taken yet.
    fresh: usize,
    /// How many were overwritten before anybody took them.
    lost: u64,

    // --- What the records of this step begin with.
    start: Start,
    env: EnvId,

    /// The environment on each CPU, as the records have it.
    on_cpu: [EnvId; MAX_CPUS],
}

impl<'t> Trace<'t> {
    /// A trace without records. With an empty ring none is ever made.
    pub fn new(ring: &'t mut [Words]) -> Trace<'t> {
        Trace {
            ring,
            next: 0,
            made: 0,
            fresh: 0,
            lost: 0,
            start: Start::default(),
            env: EnvId::NONE,
            on_cpu: [EnvId::NONE; MAX_CPUS],
        }
    }

    /// Whether a trace is kept.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        !self.ring.is_empty()
    }

    /// The environment on each CPU, as the records so far have it.
    pub fn on_cpus(&self) -> [EnvId; MAX_CPUS] {
        self.on_cpu
    }

    /// Goes back to a moment at which [`Trace::on_cpus`] returned this.
    pub fn set_on_cpus(&mut self, on_cpus: [EnvId; MAX_CPUS]) {
        self.on_cpu = on_cpus;
    }

    /// How many records there have been.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// How many of them were overwritten before anybody took them.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes the records that nobody has taken yet, oldest first, in at most
    /// two pieces.
    pub fn take(&mut self, mut to: impl FnMut(&[Words])) {
        let count = core::mem::take(&mut self.fresh);
        if let Some(start) = self.next.checked_sub(count) {
            // Nearly always they are in one piece.
            return to(self.ring.get(start..self.next).unwrap_or_default());
        }
        let (older, newer) = self.last(count);
        to(older);
        to(newer);
    }

    /// The last `count` records, or as many as there are, oldest first.
    pub fn recent(&self, count: usize) -> impl Iterator<Item = Record> + '_ {
        let all = usize::try_from(self.made).unwrap_or(usize::MAX);
        let (older, newer) = self.last(count.min(all));
        let words = older.iter().chain(newer);
        words.filter_map(|&words| Record::from_words(words))
    }

    /// The last `count` records, which must exist, in two pieces: those up to the
    /// ring's end, and those from its beginning.
    fn last(&self, count: usize) -> (&[Words], &[Words]) {
        let count = count.min(self.ring.len());
        let wrapped = count.saturating_sub(self.next);
        let older = self.ring.len() - wrapped..self.ring.len();
        let newer = self.next.saturating_sub(count)..self.next;
        let piece = |range| self.ring.get(range).unwrap_or_default();
        (piece(older), piece(newer))
    }

    /// Adds a record, if a trace is kept.
    fn put(&mut self, content: Content) {
        let env = self.env;
        self.put_for(env, content);
    }

    /// Adds a record about another environment than the one that entered the
    /// kernel. Inlined: with a constant kind this just stores eight words.
    #[inline(always)]
    fn put_for(&mut self, env: EnvId, content: Content) {
        let Some(place) = self.ring.get_mut(self.next) else {
            return;
        };
        *place = self.start.words(env, content);
        self.made += 1;
        self.next += 1;
        if self.next == self.ring.len() {
            self.next = 0;
        }
        if self.fresh == self.ring.len() {
            self.lost += 1;
        } else {
            self.fresh += 1;
        }
    }
}
