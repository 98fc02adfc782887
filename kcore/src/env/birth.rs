//! Which environment is meant, for good.
//!
//! Ids are names. A slot gives out 524,287 of them and begins again, so an id that
//! somebody has kept may be a stranger's one day; for who names it that is their
//! affair. But who may do what with whom never rests on an id: it rests on a number
//! that no two environments ever share.
//!
//! The hard thing is to have such numbers and still meet equal states again, as a
//! search over all states must. So they are counted in each slot, like ids, and
//! not for the whole machine.

/// Which life of which slot. All-zero is nobody's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Birth(u64);

/// How far apart a slot's numbers are.
const STEP: u64 = abi::env::NENV as u64;

impl Birth {
    /// The next one of a slot whose last one this was.
    pub(crate) const fn next(self, slot: usize) -> Birth {
        match self.0 {
            0 => Birth(STEP + slot as u64),
            // At a billion lives a second, after half a year.
            last => Birth(last.wrapping_add(STEP)),
        }
    }
}
