//! Numbers that look random and are the same in every run.
//!
//! The hard thing is that uniform words miss what matters: carries and signs turn at
//! the ends of the ranges. So half of the words are chosen from those.

/// A generator: a linear congruence, of which the upper half is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random(u64);

/// Ends of ranges.
const EDGES: [u32; 16] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    u32::MAX,
    0x8080_8080,
];

impl Random {
    pub(crate) fn new(group: &str, number: u32) -> Random {
        let mut random = Random(u64::from(number) << 32 | 0x9e37_79b9);
        for byte in group.bytes() {
            random.0 ^= u64::from(byte);
            random.uniform();
        }
        random
    }

    pub(crate) fn uniform(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        ((u64::from(self.uniform()) * u64::from(limit)) >> 32) as u32
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    /// A word, often one where something turns.
    pub(crate) fn word(&mut self) -> u32 {
        match self.below(4) {
            0 => self.one_of(&EDGES),
            1 => self.one_of(&EDGES).rotate_left(self.below(4) * 8),
            _ => self.uniform(),
        }
    }
}
