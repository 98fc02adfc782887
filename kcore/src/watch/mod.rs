//! Who watches the kernel: told what happens in it, and able to change nothing.
//!
//! The kernel tells its [`Watcher`] a [`Fact`] after the fact: plain values, with
//! all that there is to know. Nothing comes back, so no step depends on who
//! listens, or on whether anybody does.
//!
//! The hard thing is to cost next to nothing while nobody listens, as facts are
//! told where the kernel spends its time. A fact is put together only when it
//! will be heard, out of the way of the code that tells it; to that code it is
//! one test, and none at all with a watcher whose type never listens. And while
//! somebody listens no kernel is quiet, so what the short way answers by itself
//! need not be told (see `quiet.rs`).

use crate::env::Env;
use crate::event::Event;
use crate::ids::{CpuId, CpuSet};
use crate::paging::{Pte, Space};
use crate::phys::Pfn;
use crate::step::Remote;
use abi::layout::PTSIZE;
use abi::{EnvId, Personality, TrapFrame};

mod telling;

/// Whoever is told what happens in a kernel.
pub trait Watcher {
    /// Whether it wants to hear anything. The answer must not change while it
    /// watches a kernel.
    #[inline(always)]
    fn is_listening(&self) -> bool {
        false
    }

    /// Hears what happened. Called only while it listens.
    #[inline(always)]
    fn hear(&mut self, fact: Fact) {
        let _ = fact;
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {}

/// An environment, as far as a watcher of CPUs wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its id.
    pub env: EnvId,
    /// How it numbers its calls.
    pub personality: Personality,
    /// Its page directory.
    pub pgdir: Pfn,
}

/// A place in an address space, and what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Whose address space it is; [`EnvId::NONE`] if that is no more.
    pub env: EnvId,
    /// Virtual address.
    pub va: u32,
    /// The entry, without what the MMU notes in it.
    pub entry: Pte,
    /// The address space's page directory.
    pub pgdir: Pfn,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A CPU entered the kernel, or an entry that was put off is handled now.
    Entered {
        /// When, in ticks.
        now: u64,
        /// The CPU.
        cpu: CpuId,
        /// Why.
        event: Event,
        /// The environment on it.
        running: Option<Running>,
        /// That one's registers.
        frame: TrapFrame,
    },
    /// A step is over; its effects are not done yet.
    Left {
        /// The CPU that made it.
        cpu: CpuId,
        /// The environment on it from now on.
        running: Option<Running>,
        /// It waits for an interrupt, or lets the lock go and comes again.
        idles: bool,
        /// What another CPU is asked for.
        asked: Option<Remote>,
        /// CPUs that are woken.
        woken: CpuSet,
    },
    /// Another CPU has given up its environment, which lives on.
    Parked {
        /// The other CPU.
        cpu: CpuId,
        /// The environment.
        env: EnvId,
        /// Where it was.
        eip: u32,
    },
    /// A page-table entry was replaced.
    Mapped {
        /// The entry that is there now.
        now: Mapping,
        /// What was there.
        before: Pte,
    },
    /// A page table was made; `va` is the first address that it is for.
    TableMade(Mapping),
    /// A frame can be allocated again.
    Freed {
        /// The frame.
        frame: Pfn,
    },
    /// A message is in its receiver's inbox.
    Delivered {
        /// The receiver.
        to: EnvId,
        /// The sender.
        from: EnvId,
        /// The word.
        value: u32,
        /// Permissions of the page that came with it, 0 for none.
        perm: u32,
    },
    /// The caller waits until it can send.
    WaitsToSend {
        /// The receiver.
        to: EnvId,
        /// The word.
        value: u32,
        /// Where its page is, at or above UTOP for none.
        va: u32,
    },
    /// The caller waits for a message.
    WaitsToReceive {
        /// Where it wants a page, at or above UTOP for nowhere.
        va: u32,
    },
    /// An environment was made.
    Born {
        /// Its id.
        env: EnvId,
        /// Who made it.
        parent: EnvId,
        /// Its page directory.
        pgdir: Pfn,
    },
    /// An environment is no more. What it had mapped is taken apart later.
    Died {
        /// Its id.
        env: EnvId,
        /// Who ended it.
        killer: EnvId,
        /// Its page directory.
        pgdir: Pfn,
    },
}

/// How the kernel's layers tell.
pub(crate) trait Tell: Watcher {
    /// Tells a fact, if somebody listens.
    #[inline(always)]
    fn tell(&mut self, fact: impl FnOnce() -> Fact) {
        if self.is_listening() {
            pass_on(self, fact());
        }
    }
}

impl<W: Watcher> Tell for W {}

/// Out of the way of whoever tells.
#[cold]
#[inline(never)]
fn pass_on<W: Watcher + ?Sized>(watcher: &mut W, fact: Fact) {
    watcher.hear(fact);
}

impl Env {
    /// A place in its address space.
    fn mapping(&self, va: u32, entry: Pte) -> Mapping {
        Mapping {
            env: self.id,
            va,
            entry: entry.without_usage(),
            pgdir: self.space.pgdir,
        }
    }

    /// The entry for the page at `va` in its address space was replaced.
    pub(crate) fn mapped(&self, va: u32, before: Pte, entry: Pte) -> Fact {
        Fact::Mapped {
            now: self.mapping(va, entry),
            before: before.without_usage(),
        }
    }

    /// The message in its inbox has just come.
    pub(crate) fn delivered(&self) -> Fact {
        Fact::Delivered {
            to: self.id,
            from: self.inbox.from,
            value: self.inbox.value,
            perm: self.inbox.perm,
        }
    }

    /// In its address space, this entry for `va` now names a new page table.
    pub(crate) fn table_made(&self, va: u32, entry: Pte) -> Fact {
        Fact::TableMade(self.mapping(va & !(PTSIZE - 1), entry))
    }
}

/// In a space that is taken apart, the entry for the page at `va` means nothing
/// any more.
pub(crate) fn unmapped_in_dead(space: Space, va: u32, before: Pte) -> Fact {
    Fact::Mapped {
        now: Mapping {
            env: EnvId::NONE,
            va,
            entry: Pte::EMPTY,
            pgdir: space.pgdir,
        },
        before: before.without_usage(),
    }
}
