//! Watchers, which learn what happens in the kernel and cannot change it.
//!
//! Whenever something has happened, the kernel tells its [`Watcher`] a [`Fact`]: plain
//! values that need no further look at the kernel. Nothing comes back, so no step
//! depends on the watcher, or on whether it listens.
//!
//! The hard thing is that telling must cost next to nothing while no watcher listens,
//! because it happens where the kernel spends its time. The kernel builds a fact only
//! for a listening watcher, outside the usual path. That path contains only one test,
//! or none if the type of the watcher never listens. A kernel with a listening watcher
//! is never quiet, so the short way needs no facts of its own (see `quiet.rs`).

use crate::env::Env;
use crate::event::Event;
use crate::ids::{CpuId, CpuSet};
use crate::paging::{Pte, Space};
use crate::phys::Pfn;
use crate::step::Remote;
use abi::layout::PTSIZE;
use abi::{EnvId, Personality, TrapFrame};

mod telling;

/// Learns what happens in a kernel.
pub trait Watcher {
    /// Whether the watcher wants to hear facts. The answer must not change while it
    /// watches a kernel.
    #[inline(always)]
    fn is_listening(&self) -> bool {
        false
    }

    /// Hears a fact. The kernel calls this only if the watcher listens.
    #[inline(always)]
    fn hear(&mut self, fact: Fact) {
        let _ = fact;
    }
}

/// The watcher that never listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {}

/// The environment on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its id.
    pub env: EnvId,
    /// How it numbers its system calls.
    pub personality: Personality,
    /// Its page directory.
    pub pgdir: Pfn,
}

/// A page of an address space, and its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The owner of the address space; [`EnvId::NONE`] if the owner is dead.
    pub env: EnvId,
    /// The page's virtual address.
    pub va: u32,
    /// The entry, without the bits that the MMU sets.
    pub entry: Pte,
    /// The address space's page directory.
    pub pgdir: Pfn,
}

/// Something that has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A CPU entered the kernel, or the kernel now handles a pending entry.
    Entered {
        /// The time, in ticks.
        now: u64,
        /// The CPU that entered.
        cpu: CpuId,
        /// The reason.
        event: Event,
        /// The environment on this CPU.
        running: Option<Running>,
        /// The registers of that environment.
        frame: TrapFrame,
    },
    /// A step has ended; its effects are still to be done.
    Left {
        /// The CPU that made it.
        cpu: CpuId,
        /// The environment on this CPU from now on.
        running: Option<Running>,
        /// The CPU waits for an interrupt, or drops the lock and enters again.
        idles: bool,
        /// The request to another CPU.
        asked: Option<Remote>,
        /// The idle CPUs that get a wake-up interrupt.
        woken: CpuSet,
    },
    /// A CPU was asked to stop, and has given up its environment, which lives on.
    Parked {
        /// The CPU that stopped.
        cpu: CpuId,
        /// The environment.
        env: EnvId,
        /// Address of its next instruction.
        eip: u32,
    },
    /// A page-table entry was replaced.
    Mapped {
        /// The new entry.
        now: Mapping,
        /// The old entry.
        before: Pte,
    },
    /// A page table was made; `va` is the first address that it maps.
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
        /// The message's word.
        value: u32,
        /// Permissions of the page that came with the message, 0 if none did.
        perm: u32,
    },
    /// The caller waits until the receiver takes its message.
    WaitsToSend {
        /// The receiver.
        to: EnvId,
        /// The message's word.
        value: u32,
        /// Address of the page; at or above UTOP if there is none.
        va: u32,
    },
    /// The caller waits for a message.
    WaitsToReceive {
        /// Where it wants a page; at or above UTOP if it wants none.
        va: u32,
    },
    /// An environment was made.
    Born {
        /// Its id.
        env: EnvId,
        /// Its creator.
        parent: EnvId,
        /// Its page directory.
        pgdir: Pfn,
    },
    /// An environment died. Its address space is reclaimed later.
    Died {
        /// Its id.
        env: EnvId,
        /// The environment that ended it; the same if it ended itself.
        killer: EnvId,
        /// Its page directory.
        pgdir: Pfn,
    },
}

/// How the kernel tells facts. Not in [`Watcher`], so that no watcher can override it.
pub(crate) trait Tell: Watcher {
    /// Tells a fact if the watcher listens.
    #[inline(always)]
    fn tell(&mut self, fact: impl FnOnce() -> Fact) {
        if self.is_listening() {
            pass_on(self, fact());
        }
    }
}

impl<W: Watcher> Tell for W {}

/// Keeps the telling outside the usual path of its caller.
#[cold]
#[inline(never)]
fn pass_on<W: Watcher + ?Sized>(watcher: &mut W, fact: Fact) {
    watcher.hear(fact);
}

impl Env {
    /// A page of its address space, with its entry.
    fn mapping(&self, va: u32, entry: Pte) -> Mapping {
        Mapping {
            env: self.id,
            va,
            entry: entry.without_usage(),
            pgdir: self.space.pgdir,
        }
    }

    /// The fact that the entry for `va` in its address space was replaced.
    pub(crate) fn mapped(&self, va: u32, before: Pte, entry: Pte) -> Fact {
        Fact::Mapped {
            now: self.mapping(va, entry),
            before: before.without_usage(),
        }
    }

    /// The fact that the message in its inbox has arrived.
    pub(crate) fn delivered(&self) -> Fact {
        Fact::Delivered {
            to: self.id,
            from: self.inbox.from,
            value: self.inbox.value,
            perm: self.inbox.perm,
        }
    }

    /// The fact that directory entry `entry`, for `va`, names a new page table.
    pub(crate) fn table_made(&self, va: u32, entry: Pte) -> Fact {
        Fact::TableMade(self.mapping(va & !(PTSIZE - 1), entry))
    }
}

/// The fact that the entry for `va` in a dead space was cleared.
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
