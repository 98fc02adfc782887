//! Where to stop, decided by one transition from a position to the next.
//!
//! The hard thing is that forwards and backwards must find the same places. So nothing
//! is remembered: a breakpoint is hit by the transition that executes its instruction,
//! not by arriving there, which an interrupt does twice; and a watch by the transition
//! that changes its word, whoever did that: the environment itself, another one that
//! shares the page, the kernel, or somebody who mapped another page there.

use std::collections::BTreeSet;

use abi::EnvId;
use kcore::CpuId;
use kcore::ids::MAX_CPUS;

use super::session::Session;

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
}

/// Where to stop.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    /// Addresses of instructions, in whatever environment.
    pub breakpoints: BTreeSet<u32>,
    /// As `breakpoints`, but not for this CPU, which is being led past one.
    pub for_others: Option<(CpuId, BTreeSet<u32>)>,
    /// Changes of memory.
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
    /// It changes what is watched.
    Watch(Watch),
}

/// What is watched, byte by byte; nothing where nothing is mapped.
type Bytes = [Option<u8>; LONGEST_WATCH as usize];

/// The watched bytes at the current position.
pub struct Watched(Vec<Bytes>);

impl Stops {
    /// Whether there is anything to stop for.
    pub fn are_none(&self) -> bool {
        self.breakpoints.is_empty() && self.watches.is_empty() && self.for_others.is_none()
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

impl Session<'_> {
    /// Makes one transition, if there is one to make.
    pub fn transition(&mut self) -> Option<Transition> {
        let before = self.position();
        let mut addresses = [0; MAX_CPUS];
        for cpu in self.pc.machine.cpu_ids() {
            addresses[cpu.0 as usize] = self.pc.eip(cpu);
        }
        if self.forward(1) == 0 {
            return None;
        }
        let cpu = self.pc.latest();
        let address = addresses[cpu.0 as usize];
        Some(Transition {
            before,
            cpu,
            executed: self.pc.moved().then_some(address),
        })
    }

    /// Looks at what is watched.
    pub fn watched(&self) -> Watched {
        Watched(
            self.stops
                .watches
                .iter()
                .map(|watch| self.bytes(watch))
                .collect(),
        )
    }

    /// Why the transition that came here is worth a stop. `watched` is from before it,
    /// and from here afterwards. Breakpoints do not count if it is the way out of one.
    pub fn hit(&self, transition: &Transition, watched: &mut Watched, out: bool) -> Option<Hit> {
        let mut changed = None;
        for (watch, old) in self.stops.watches.iter().zip(&mut watched.0) {
            let new = self.bytes(watch);
            if new != *old {
                *old = new;
                changed = changed.or(Some(*watch));
            }
        }
        match self.stops.breaks(transition).filter(|_| !out) {
            Some(address) => Some(Hit::Break(address)),
            None => changed.map(Hit::Watch),
        }
    }

    fn bytes(&self, watch: &Watch) -> Bytes {
        let mut bytes = [None; LONGEST_WATCH as usize];
        if let Some(directory) = self.pc.directory(watch.env) {
            for (offset, byte) in (0..watch.len).zip(&mut bytes) {
                *byte = self.pc.byte(directory, watch.va.wrapping_add(offset));
            }
        }
        bytes
    }
}
