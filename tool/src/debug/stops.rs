//! Where to stop, decided by one transition from a position to the next.
//!
//! The hard thing is that forwards and backwards must find the same places. So nothing
//! is remembered: a breakpoint is hit by the transition that executes its instruction,
//! not by arriving there, which an interrupt does twice; and a watch by the transition
//! that changes or uses its word, whoever did that: the environment itself, another one
//! that shares the page, the kernel, or somebody who mapped another page there.

use std::collections::BTreeSet;

use abi::EnvId;
use kcore::CpuId;

/// The most bytes of a watch.
pub const LONGEST_WATCH: u32 = 8;

/// Bytes of an environment that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watch {
    /// Whose.
    pub env: EnvId,
    /// The first byte.
    pub va: u32,
    /// How many, at most [`LONGEST_WATCH`].
    pub len: u32,
    /// What for.
    pub kind: Watched,
}

/// What a watch stops for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// Another value.
    Change,
    /// A program that reads, or the kernel for one.
    Read,
    /// Both, and whoever writes the value that was there.
    Access,
}

/// Where to stop.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    /// Addresses of instructions, in whatever environment.
    pub breakpoints: BTreeSet<u32>,
    /// As `breakpoints`, but not for this CPU, which is being led past one.
    pub for_others: Option<(CpuId, BTreeSet<u32>)>,
    /// Memory that is watched.
    pub watches: Vec<Watch>,
}

/// What happened between two positions.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// The position before.
    pub before: u64,
    /// Whose doing it was.
    pub cpu: CpuId,
    /// What it executed, if it did; be it that this called the kernel or faulted.
    pub executed: Option<u32>,
}

/// Why a transition is worth a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// It executes the instruction at a breakpoint.
    Break(u32),
    /// It changes or uses what is watched.
    Watch(Watch),
}

impl Stops {
    /// Whether there is anything to stop for.
    pub fn are_none(&self) -> bool {
        self.breakpoints.is_empty() && self.watches.is_empty() && self.for_others.is_none()
    }

    /// Whether it matters who uses memory, and not only what is in it.
    pub fn need_accesses(&self) -> bool {
        let mut watches = self.watches.iter();
        watches.any(|watch| watch.kind != Watched::Change)
    }

    /// The breakpoint that a transition hits.
    pub fn breaks(&self, transition: &Transition) -> Option<u32> {
        let address = transition.executed?;
        let others = self.for_others.as_ref();
        let is_hit = self.breakpoints.contains(&address)
            || others.is_some_and(|(not, addresses)| {
                *not != transition.cpu && addresses.contains(&address)
            });
        is_hit.then_some(address)
    }
}
