//! All CPUs at about the same pace, as on a calm PC.
//!
//! Time goes in rounds. The seed says which CPU is first in a round, and how many
//! instructions each executes; the same number for all, so that none falls behind.

use super::{Move, View, below};
use kcore::CpuId;
use sim::random::Stream;

/// The fewest instructions of a CPU in a round of several.
const SHORTEST: u64 = 32;
/// As [`SHORTEST`], the most.
const LONGEST: u64 = 160;
/// Instructions in a round of a machine with one CPU.
const ALONE: u64 = 2000;

/// The plan.
#[derive(Clone, Debug)]
pub struct Fair {
    random: Stream,
    /// Stores leave their buffers when the seed says so; otherwise there are none.
    drains: bool,
    /// How many turns the round still has.
    left: u64,
    first: u64,
    length: u64,
}

impl Fair {
    /// The plan of a seed, for a machine with or without store buffers.
    pub fn new(seed: u64, store_buffers: bool) -> Fair {
        Fair {
            random: Stream::new(seed),
            drains: store_buffers,
            left: 0,
            first: 0,
            length: 0,
        }
    }

    pub(super) fn next(&mut self, view: &View<'_, '_>) -> Move {
        let cpus = view.cpus();
        if self.drains
            && let Some(cpu) = any_store(&mut self.random, view)
        {
            return Move::Drain(cpu);
        }
        if self.left == 0 {
            self.left = cpus;
            self.length = match cpus {
                1 => ALONE,
                _ => SHORTEST + below(&mut self.random, LONGEST - SHORTEST),
            };
            self.first = below(&mut self.random, cpus);
        }
        let number = (self.first + cpus - self.left) % cpus;
        self.left -= 1;
        Move::Turn {
            cpu: CpuId(number as u8),
            length: self.length,
        }
    }
}

/// A CPU whose oldest store may reach memory now: one in four times, if there is any.
pub(super) fn any_store(random: &mut Stream, view: &View<'_, '_>) -> Option<CpuId> {
    if view.stores.iter().all(|stores| stores.is_empty()) {
        return None;
    }
    let pick = below(random, view.cpus() * 4);
    let stores = view.stores.get(pick as usize)?;
    (!stores.is_empty()).then_some(CpuId(pick as u8))
}
