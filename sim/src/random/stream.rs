//! Random words: a seed gives the same ones on every machine.
//!
//! The hard thing is that they must not depend on any library: a seed that fails
//! today must still fail next year.

/// Random words for one action.
pub type Words = [u32; 8];

/// A stream of random words: xorshift64*, seeded.
#[derive(Clone, Debug)]
pub struct Stream(u64);

impl Stream {
    /// The stream that a seed stands for.
    pub fn new(seed: u64) -> Stream {
        Stream(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next word, the upper half of a state of 64 bits.
    pub fn word(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// The words that decide the next action.
    pub fn words(&mut self) -> Words {
        std::array::from_fn(|_| self.word())
    }
}
