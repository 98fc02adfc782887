//! What will be typed, and when.
//!
//! A run with input is repeated if every byte comes at the position where it came. The
//! hard thing is that a machine at that position may be reached several times, by going
//! back; so what has come is not remembered here: it is what has an earlier position or
//! this one, and it was handed over when the position was reached.

/// Bytes for the console, each with its position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typing(Vec<(u64, Vec<u8>)>);

impl Typing {
    /// These bytes at these positions, which must not descend.
    pub fn new(typed: Vec<(u64, Vec<u8>)>) -> Option<Typing> {
        typed
            .is_sorted_by_key(|(position, _)| *position)
            .then_some(Typing(typed))
    }

    /// How many positions there are from here to the next that has something.
    pub(crate) fn room(&self, here: u64) -> u64 {
        let next = self.0.get(self.count(here));
        next.map_or(u64::MAX, |(position, _)| position - here)
    }

    /// What comes after `before` and no later than `here`.
    pub(crate) fn between(&self, before: u64, here: u64) -> Vec<Vec<u8>> {
        let due = &self.0[self.count(before)..self.count(here)];
        due.iter().map(|(_, bytes)| bytes.clone()).collect()
    }

    /// What comes at the very beginning.
    pub(crate) fn at_once(&self) -> Vec<Vec<u8>> {
        let due = &self.0[..self.count(0)];
        due.iter().map(|(_, bytes)| bytes.clone()).collect()
    }

    /// How many have come when the machine is at this position.
    fn count(&self, here: u64) -> usize {
        self.0.partition_point(|(position, _)| *position <= here)
    }
}
