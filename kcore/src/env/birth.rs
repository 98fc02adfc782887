//! A permanent identity for environments.
//!
//! Ids are only names. A slot reuses its 524,287 ids, so an id that a program has
//! kept may one day name another environment; that is the program's problem. But
//! rights must not move to a stranger, so they never rest on an id: they rest on a
//! number that no two environments ever share.
//!
//! The hard thing is that a search over all states must recognise equal states. A
//! counter for the whole machine would make all states differ, so each slot counts
//! its own environments, as it counts ids.

/// Identifies one environment for ever. All-zero identifies none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Birth(u64);

/// The distance between a slot's numbers, so that slots never share one.
const STEP: u64 = abi::env::NENV as u64;

impl Birth {
    /// The number after `self` in the same slot.
    pub(crate) const fn next(self, slot: usize) -> Birth {
        match self.0 {
            0 => Birth(STEP + slot as u64),
            // Wraps after half a year of a billion environments a second.
            last => Birth(last.wrapping_add(STEP)),
        }
    }
}
