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
    /// Whether to stop where a program is about to be ended for what it did.
    pub crash: bool,
    /// Environments, to stop where one gets a CPU.
    pub runs: BTreeSet<EnvId>,
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
    /// Who was ended by it for what it did.
    pub crashed: Option<EnvId>,
    /// Who got this CPU by it.
    pub began: Option<EnvId>,
}

/// Why a transition is worth a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// It executes the instruction at a breakpoint.
    Break(u32),
    /// It changes or uses what is watched.
    Watch(Watch),
    /// It ends this environment for what it did.
    Crash(EnvId),
    /// It puts this environment on a CPU.
    Runs(EnvId),
}

impl Hit {
    /// Whether one stops before the transition, and not after it.
    pub fn is_before(self) -> bool {
        matches!(self, Hit::Break(_) | Hit::Crash(_))
    }
}

impl Stops {
    /// Whether there is anything to stop for.
    pub fn are_none(&self) -> bool {
        self.breakpoints.is_empty()
            && self.watches.is_empty()
            && self.for_others.is_none()
            && !self.crash
            && self.runs.is_empty()
    }

    /// Forgets one of them, counted in the order of the fields; whether there is one.
    pub fn forget(&mut self, number: usize) -> bool {
        let watch = number.wrapping_sub(self.breakpoints.len());
        let crash = watch.wrapping_sub(self.watches.len());
        let run = crash.wrapping_sub(self.crash.into());
        if let Some(&breakpoint) = self.breakpoints.iter().nth(number) {
            self.breakpoints.remove(&breakpoint)
        } else if watch < self.watches.len() {
            self.watches.remove(watch);
            true
        } else if crash == 0 && self.crash {
            self.crash = false;
            true
        } else if let Some(&env) = self.runs.iter().nth(run) {
            self.runs.remove(&env)
        } else {
            false
        }
    }

    /// Whether it matters who uses memory, and not only what is in it.
    pub fn need_accesses(&self) -> bool {
        let mut watches = self.watches.iter();
        watches.any(|watch| watch.kind != Watched::Change)
    }

    /// Why to stop before a transition.
    pub fn before(&self, transition: &Transition) -> Option<Hit> {
        let crash = transition.crashed.filter(|_| self.crash).map(Hit::Crash);
        crash.or_else(|| self.breaks(transition).map(Hit::Break))
    }

    /// Who got a CPU by a transition, if that is worth a stop.
    pub fn begins(&self, transition: &Transition) -> Option<Hit> {
        let began = transition.began.filter(|env| self.runs.contains(env));
        began.map(Hit::Runs)
    }

    /// The breakpoint that a transition hits.
    fn breaks(&self, transition: &Transition) -> Option<u32> {
        let address = transition.executed?;
        let others = self.for_others.as_ref();
        let is_hit = self.breakpoints.contains(&address)
            || others.is_some_and(|(not, addresses)| {
                *not != transition.cpu && addresses.contains(&address)
            });
        is_hit.then_some(address)
    }
}
