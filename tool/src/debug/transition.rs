//! From one position to the next, and whether that was worth a stop.
//!
//! The hard thing is to know what was executed, which is only known afterwards: so before
//! each transition it is noted where every CPU goes on.

use kcore::ids::MAX_CPUS;

use super::session::Session;
use super::stops::{Hit, LONGEST_WATCH, Transition, Watch};

/// What is watched, byte by byte; nothing where nothing is mapped.
type Bytes = [Option<u8>; LONGEST_WATCH as usize];

/// The watched bytes at the current position.
pub struct Watched(Vec<Bytes>);

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
