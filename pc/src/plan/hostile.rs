//! One CPU far ahead of the others, and interrupts where they hurt.
//!
//! A PC may do all of this; it seldom does. The hard thing is the measure: most bugs
//! hide within a few instructions of an entry to the kernel, some need a CPU that
//! stands still while another does thousands. So lengths are spread evenly over their
//! logarithm.

use super::fair::any_store;
use super::{Move, View, below};
use kcore::CpuId;
use sim::random::Stream;

/// The longest turn is two to this power.
const LONGEST: u64 = 13;
/// The most turns that one CPU has before another is preferred.
const LEAD: u64 = 64;
/// One turn in so many belongs to any CPU, preferred or not.
const OTHERS: u64 = 8;
/// A timer rings before one turn in so many.
const RINGS: u64 = 12;

/// The plan.
#[derive(Clone, Debug)]
pub struct Hostile {
    random: Stream,
    preferred: u64,
    /// For how many turns more.
    lead: u64,
}

impl Hostile {
    /// The plan of a seed.
    pub fn new(seed: u64) -> Hostile {
        Hostile {
            random: Stream::new(seed),
            preferred: 0,
            lead: 0,
        }
    }

    pub(super) fn next(&mut self, view: &View<'_, '_>) -> Move {
        if let Some(cpu) = any_store(&mut self.random, view) {
            return Move::Drain(cpu);
        }
        let cpus = view.cpus();
        let any = below(&mut self.random, cpus);
        if self.lead == 0 {
            self.lead = 1 + below(&mut self.random, LEAD);
            self.preferred = any;
        }
        self.lead -= 1;
        let preferred = CpuId(self.preferred as u8);
        let others = below(&mut self.random, OTHERS) == 0;
        let cpu = match !others && view.can_move(preferred) {
            true => preferred,
            false => CpuId(any as u8),
        };
        if below(&mut self.random, RINGS) == 0 && view.in_ring3(cpu) {
            return Move::Ring(cpu);
        }
        let power = below(&mut self.random, LONGEST);
        let length = (1 << power) + below(&mut self.random, 1 << power);
        Move::Turn { cpu, length }
    }
}
