//! States to start from: random, and much more often hard.
//!
//! The hard thing is that two random numbers hardly ever meet: their exponents are too
//! far apart for an addition to round, or a product to be denormal. So exponents are
//! drawn from few places, and significands have few ones or few zeros.

use super::host::Block;

/// Immediate values to try.
pub const IMMEDIATES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 0x1b, 0x4e, 0x93, 0xff];

/// A generator of numbers, xorshift.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 32) % limit
    }

    /// A significand of `width` bits.
    fn significand(&mut self, width: u64) -> u64 {
        let mask = u64::MAX >> (64 - width);
        let bits = match self.below(8) {
            0 => 0,
            1 => 1 << self.below(64),
            2 => u64::MAX,
            3 => u64::MAX << self.below(64),
            4 => 1 << self.below(64) | 1 << self.below(64),
            5 => (1 << self.below(64)) - 1,
            _ => self.next(),
        };
        bits & mask
    }

    /// A biased exponent.
    fn exponent(&mut self, max: u64) -> u64 {
        let middle = max / 2;
        match self.below(16) {
            0 | 1 => 0,
            2 => max,
            3 => max - 1 - self.below(3),
            4 => 1 + self.below(70).min(max - 1),
            5 => middle / 2 + self.below(8),
            6 => middle + middle / 2 - self.below(8),
            7 => self.below(max + 1),
            8 => middle,
            9 => middle + 12 + self.below(6),
            10 => middle + 28 + self.below(6),
            11 => middle + 60 + self.below(6),
            _ => middle - 3 + self.below(8),
        }
    }

    fn number(&mut self, significand: u64, exponent: u64) -> u128 {
        let stored = self.exponent((1 << exponent) - 1) | self.below(2) << exponent;
        u128::from(stored) << significand | u128::from(self.significand(significand))
    }

    fn extended(&mut self) -> u128 {
        let bits = self.number(64, 15);
        let denormal = bits >> 64 & 0x7fff == 0;
        // The integer bit is as it should be, mostly.
        match self.below(12) {
            0 => bits,
            1 => u128::from(self.next() as i32 as i64 as u64) | 0x4030 << 64 | 1 << 63,
            _ if denormal => bits & !(1 << 63),
            _ => bits | 1 << 63,
        }
    }

    /// 16 bytes of something.
    fn bits(&mut self) -> u128 {
        match self.below(8) {
            0..=2 => (0..4).fold(0, |bits, _| bits << 32 | self.number(23, 8)),
            3..=5 => self.number(52, 11) << 64 | self.number(52, 11),
            6 => self.extended(),
            _ => {
                let shift = self.below(128) as u32;
                (u128::from(self.next()) << 64 | u128::from(self.next())) >> shift
            }
        }
    }
}

/// A state.
pub fn block(random: &mut Random) -> Block {
    let mut block = Block {
        image: [0; 512],
        memory: [0; 528],
        eax: random.next() & 0xffff_ffff,
        flags: 0x202 | random.next() & u64::from(ring3::flags::ARITHMETIC),
        mxcsr: 0x1f80,
        ecx: [0, 0, 0, 8][random.below(4) as usize],
        trap: -1,
    };
    let masks = match random.below(4) {
        0 => random.next() as u16 & 0x3f,
        _ => 0x3f,
    };
    let precision = [0, 2, 3, 3][random.below(4) as usize] << 8;
    let control = masks | 0x40 | precision | (random.below(4) as u16) << 10;
    // Nothing is pending, mostly.
    let pending = if random.below(16) == 0 { 0x3f } else { 0 };
    let status = random.next() as u16 & (0x7f00 | 0x40 | masks | pending);
    let valid = match random.below(4) {
        0 => random.next() as u8,
        1 => 0xff,
        // Room for one more.
        _ => !(1 << (((status >> 11) + 7) & 7)),
    };
    let unmasked = match random.below(4) {
        0 => random.next() as u32 & 0x1f80,
        _ => 0,
    };
    let mxcsr = (0x1f80 | random.next() as u32 & 0xe07f) ^ unmasked;
    block.image[0..2].copy_from_slice(&control.to_le_bytes());
    block.image[2..4].copy_from_slice(&status.to_le_bytes());
    block.image[4] = valid;
    block.image[24..28].copy_from_slice(&mxcsr.to_le_bytes());
    let mut last = random.extended();
    for index in 0..8 {
        // Now and then the same, or nearly.
        let bits = match random.below(8) {
            0 => last,
            1 => last ^ 1,
            2 => last ^ 1 << 79,
            _ => random.extended(),
        };
        last = bits;
        block.image[32 + index * 16..][..10].copy_from_slice(&bits.to_le_bytes()[..10]);
    }
    let mut last = random.bits();
    for index in 0..8 {
        let bits = match random.below(8) {
            0 => last,
            _ => random.bits(),
        };
        last = bits;
        block.image[160 + index * 16..][..16].copy_from_slice(&bits.to_le_bytes());
    }
    let memory = [random.bits(), random.bits(), random.bits()];
    for (index, stored) in block.memory.chunks_exact_mut(16).enumerate() {
        stored.copy_from_slice(&memory[index % 3].to_le_bytes());
    }
    if random.below(2) == 0 {
        block.memory[..10].copy_from_slice(&random.extended().to_le_bytes()[..10]);
    }
    // What loads MXCSR from there does not always trap.
    if random.below(8) != 0 {
        let mxcsr = block.ecx as usize + 26;
        block.memory[mxcsr..mxcsr + 2].fill(0);
    }
    block
}
