//! Numbers of the three formats, taken apart and put together again.
//!
//! The hard thing is what the 80-bit format can hold beyond the others: its integer
//! bit is stored, so there are pseudo-denormals, which count, and patterns that no
//! processor accepts since the 387 (Intel SDM volume 1, 8.2.2).

/// The exceptions, as the x87 status word and MXCSR number them.
pub(super) mod flag {
    /// Invalid operation.
    pub const INVALID: u8 = 1;
    /// Denormal operand.
    pub const DENORMAL: u8 = 2;
    /// Division of a finite number by zero.
    pub const ZERO: u8 = 4;
    /// The result is too large.
    pub const OVERFLOW: u8 = 8;
    /// The result is tiny.
    pub const UNDERFLOW: u8 = 16;
    /// The result was rounded.
    pub const INEXACT: u8 = 32;
    /// Those that are found before the result is; unmasked, they prevent it.
    pub const BEFORE: u8 = INVALID | DENORMAL | ZERO;
}

/// The top bit of a significand: the integer bit.
pub(super) const INTEGER: u64 = 1 << 63;
/// The bit of a NaN's significand that says that it is quiet.
const QUIET: u64 = 1 << 62;

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// Bits of the significand, with the integer bit.
    pub precision: u32,
    /// The largest exponent, which is also the bias.
    pub max: i32,
    /// Whether the integer bit is stored.
    explicit: bool,
}

/// 32 bits.
pub(super) const SINGLE: Format = Format {
    precision: 24,
    max: 127,
    explicit: false,
};
/// 64 bits.
pub(super) const DOUBLE: Format = Format {
    precision: 53,
    max: 1023,
    explicit: false,
};
/// 80 bits.
pub(super) const EXTENDED: Format = Format {
    precision: 64,
    max: 16383,
    explicit: true,
};

/// What kind of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zero,
    /// Neither zero nor infinite.
    Finite,
    Infinite,
    Nan,
    /// A pattern of 80 bits that is no number.
    Unsupported,
}

/// A number of any format: if finite, `significand` * 2^(`exponent` - 63).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub kind: Kind,
    pub negative: bool,
    /// Of a finite number the exponent of the integer bit.
    pub exponent: i32,
    /// Of a finite number with the integer bit set; of a NaN as in the 80-bit format.
    pub significand: u64,
    /// Whether it was stored as a denormal.
    pub denormal: bool,
}

impl Format {
    /// The smallest exponent of a number that is not denormal.
    pub const fn min(self) -> i32 {
        1 - self.max
    }

    /// Where the stored exponent begins.
    const fn stored(self) -> u32 {
        self.precision - !self.explicit as u32
    }

    /// Takes a number apart.
    pub fn unpack(self, bits: u128) -> Number {
        let special = 2 * self.max + 1;
        let stored = (bits >> self.stored()) as i32 & special;
        let negative = bits >> self.stored() & (special as u128 + 1) != 0;
        let mut significand = (bits << (64 - self.precision)) as u64;
        if !self.explicit {
            significand = significand & !INTEGER | if stored == 0 { 0 } else { INTEGER };
        }
        let mut number = Number {
            kind: Kind::Finite,
            negative,
            exponent: stored - self.max,
            significand,
            denormal: false,
        };
        if stored == 0 && significand == 0 {
            return Number::zero(negative);
        } else if stored == 0 {
            let shift = significand.leading_zeros();
            number.exponent = self.min() - shift as i32;
            number.significand <<= shift;
            number.denormal = true;
        } else if significand & INTEGER == 0 {
            number.kind = Kind::Unsupported;
        } else if stored == special && significand == INTEGER {
            return Number::infinity(negative);
        } else if stored == special {
            number.kind = Kind::Nan;
        }
        number
    }

    /// Puts a number together that fits into the format; of a NaN only the low bits
    /// of the significand may be lost.
    pub fn pack(self, number: Number) -> u128 {
        let special = 2 * self.max + 1;
        let (stored, significand) = match number.kind {
            Kind::Zero => (0, 0),
            Kind::Infinite => (special, INTEGER),
            Kind::Nan | Kind::Unsupported => (special, number.significand),
            Kind::Finite if number.exponent < self.min() => {
                let shift = (self.min() - number.exponent) as u32;
                (0, number.significand.checked_shr(shift).unwrap_or(0))
            }
            Kind::Finite => (number.exponent + self.max, number.significand),
        };
        let fraction = if self.explicit {
            significand
        } else {
            (significand & !INTEGER) >> (64 - self.precision)
        };
        let top = u128::from(number.negative) * (special as u128 + 1) + stored as u128;
        top << self.stored() | u128::from(fraction)
    }
}

impl Number {
    /// The NaN that stands for an invalid result.
    pub const DEFAULT_NAN: Number = Number {
        kind: Kind::Nan,
        negative: true,
        exponent: 0,
        significand: INTEGER | QUIET,
        denormal: false,
    };

    pub const fn zero(negative: bool) -> Number {
        Number {
            kind: Kind::Zero,
            negative,
            exponent: 0,
            significand: 0,
            denormal: false,
        }
    }

    pub const fn infinity(negative: bool) -> Number {
        Number {
            kind: Kind::Infinite,
            negative,
            exponent: 0,
            significand: INTEGER,
            denormal: false,
        }
    }

    /// An integer.
    pub fn integer(value: i64) -> Number {
        let magnitude = value.unsigned_abs();
        if magnitude == 0 {
            return Number::zero(false);
        }
        let shift = magnitude.leading_zeros();
        Number {
            kind: Kind::Finite,
            negative: value < 0,
            exponent: 63 - shift as i32,
            significand: magnitude << shift,
            denormal: false,
        }
    }

    pub fn is_nan(&self) -> bool {
        self.kind == Kind::Nan
    }

    pub fn is_zero(&self) -> bool {
        self.kind == Kind::Zero
    }

    pub fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinite
    }

    /// Whether any arithmetic with it is invalid.
    pub fn is_trouble(&self) -> bool {
        self.kind == Kind::Unsupported || self.is_nan() && self.significand & QUIET == 0
    }

    /// A NaN, made quiet.
    pub fn quiet(mut self) -> Number {
        self.significand |= QUIET;
        self
    }

    /// With the other sign.
    pub fn negated(mut self) -> Number {
        self.negative = !self.negative;
        self
    }

    /// Denormals replaced by zero, as MXCSR may ask.
    pub fn without_denormal(self) -> Number {
        if self.denormal {
            Number::zero(self.negative)
        } else {
            self
        }
    }

    /// The exception that a denormal operand causes.
    pub fn denormal_flag(&self) -> u8 {
        if self.denormal { flag::DENORMAL } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_apart_comes_together() {
        for bits in [
            0,
            1,
            0x7f_ffff,
            0x80_0000,
            0x3f80_0001,
            0x7f7f_ffff,
            0x7f80_0000,
        ] {
            for bits in [bits, bits | 0x8000_0000] {
                assert_eq!(SINGLE.pack(SINGLE.unpack(bits)), bits, "{bits:#x}");
            }
        }
        let ones = (1u128 << 52) - 1;
        for bits in [
            0,
            1,
            ones,
            ones + 1,
            0x3ff << 52,
            0x7ff << 52,
            0x7ff << 52 | ones,
        ] {
            for bits in [bits, bits | 1 << 63] {
                assert_eq!(DOUBLE.pack(DOUBLE.unpack(bits)), bits, "{bits:#x}");
            }
        }
    }

    #[test]
    fn patterns_that_only_80_bits_have() {
        let pseudo = EXTENDED.unpack(1 << 63 | 5);
        assert_eq!(
            (pseudo.kind, pseudo.exponent, pseudo.denormal),
            (Kind::Finite, -16382, true)
        );
        for bits in [
            1u128 << 64,
            0x7fff << 64,
            0x7fff << 64 | 1,
            0x3fff << 64 | 1 << 62,
        ] {
            assert_eq!(EXTENDED.unpack(bits).kind, Kind::Unsupported, "{bits:#x}");
        }
    }
}
