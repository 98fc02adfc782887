//! The one rounding that every result goes through.
//!
//! Arithmetic yields an exact value, or one whose last bit says that there was more;
//! this rounds it once, to the precision and the range asked for. The hard thing is a
//! tiny result: whether it is tiny is judged as if the exponent had no end, after
//! rounding; then it is rounded anew from the exact value, where a denormal ends
//! (Intel SDM volume 1, 4.9.1.5).

use super::number::{Format, INTEGER, Number, flag};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Nearest,
    Down,
    Up,
    Zero,
}

/// Whose rules hold where x87 and SSE differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    X87,
    Sse,
}

/// How results are rounded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub family: Family,
    pub mode: Mode,
    /// Bits of the significand that are kept.
    pub precision: u32,
    /// The format whose range of exponents counts.
    pub range: Format,
    /// Exceptions that trap.
    pub unmasked: u8,
    /// Whether a tiny result becomes zero.
    pub flush: bool,
    /// Whether an unmasked overflow or underflow still has a result, with another
    /// exponent.
    pub wrap: bool,
}

/// What came of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub value: Number,
    /// Exceptions.
    pub flags: u8,
    /// Whether rounding went away from zero.
    pub up: bool,
}

impl Outcome {
    /// An exact value.
    pub fn exact(value: Number) -> Outcome {
        Outcome {
            value,
            flags: 0,
            up: false,
        }
    }

    /// An invalid operation.
    pub fn invalid() -> Outcome {
        Outcome::exact(Number::DEFAULT_NAN).with(flag::INVALID)
    }

    /// With more exceptions.
    pub fn with(mut self, flags: u8) -> Outcome {
        self.flags |= flags;
        self
    }
}

impl Mode {
    /// As control words number them.
    pub fn from_bits(bits: u32) -> Mode {
        match bits & 3 {
            0 => Mode::Nearest,
            1 => Mode::Down,
            2 => Mode::Up,
            _ => Mode::Zero,
        }
    }

    /// Whether a magnitude grows whose lowest kept bit is `odd`, and of which `rest`
    /// was dropped; `half` is half a unit.
    pub fn grows(self, negative: bool, odd: bool, rest: u128, half: u128) -> bool {
        match self {
            Mode::Nearest => rest > half || rest == half && odd,
            Mode::Down => negative && rest != 0,
            Mode::Up => !negative && rest != 0,
            Mode::Zero => false,
        }
    }
}

/// A value between arithmetic and rounding: `significand` * 2^(`exponent` - 127).
#[derive(Clone, Copy, Debug)]
pub(super) struct Exact {
    negative: bool,
    exponent: i32,
    /// The top bit is set. The lowest is set if there was more below.
    significand: u128,
}

impl Exact {
    /// `significand` * 2^`scale`, where `significand` is not 0.
    pub fn new(negative: bool, significand: u128, scale: i32) -> Exact {
        let shift = significand.leading_zeros();
        Exact {
            negative,
            exponent: scale + 127 - shift as i32,
            significand: significand << shift,
        }
    }

    /// A finite number.
    pub fn of(number: Number) -> Exact {
        let significand = u128::from(number.significand);
        Exact::new(number.negative, significand, number.exponent - 63)
    }

    /// Rounds.
    pub fn round(self, rules: &Rules) -> Outcome {
        let rounded = self.cut(rules);
        if rounded.value.exponent < rules.range.min() {
            self.tiny(rounded, rules)
        } else if rounded.value.exponent > rules.range.max {
            self.huge(rounded, rules)
        } else {
            rounded
        }
    }

    /// Rounds with an exponent that has no end.
    fn cut(self, rules: &Rules) -> Outcome {
        let unit = 1u128 << (128 - rules.precision);
        let rest = self.significand & (unit - 1);
        let odd = self.significand & unit != 0;
        let up = rules.mode.grows(self.negative, odd, rest, unit / 2);
        let kept = self.significand - rest;
        let (sum, carry) = kept.overflowing_add(if up { unit } else { 0 });
        let value = Number {
            negative: self.negative,
            exponent: self.exponent + i32::from(carry),
            significand: (sum >> 64) as u64 | if carry { INTEGER } else { 0 },
            kind: super::number::Kind::Finite,
            denormal: false,
        };
        let flags = if rest == 0 { 0 } else { flag::INEXACT };
        Outcome { value, flags, up }
    }

    /// A result below the range.
    fn tiny(mut self, mut rounded: Outcome, rules: &Rules) -> Outcome {
        if rules.unmasked & flag::UNDERFLOW != 0 {
            rounded.value.exponent += WRAP;
            if rules.wrap && rounded.value.exponent < rules.range.min() {
                return Outcome::exact(Number::zero(self.negative))
                    .with(flag::UNDERFLOW | flag::INEXACT);
            }
            return rounded.with(flag::UNDERFLOW);
        }
        if rules.flush {
            return Outcome::exact(Number::zero(self.negative))
                .with(flag::UNDERFLOW | flag::INEXACT);
        }
        let shift = (rules.range.min() - self.exponent) as u32;
        self.significand = shift_right(self.significand, shift);
        self.exponent = rules.range.min();
        let mut rounded = self.cut(rules);
        if rounded.flags != 0 {
            rounded.flags |= flag::UNDERFLOW;
        }
        let significand = rounded.value.significand;
        if significand == 0 {
            rounded.value = Number::zero(self.negative);
        } else {
            let shift = significand.leading_zeros();
            rounded.value.significand <<= shift;
            rounded.value.exponent -= shift as i32;
        }
        rounded
    }

    /// A result above the range.
    fn huge(self, mut rounded: Outcome, rules: &Rules) -> Outcome {
        if rules.unmasked & flag::OVERFLOW != 0 {
            rounded.value.exponent -= WRAP;
            if rules.wrap && rounded.value.exponent > rules.range.max {
                rounded.value = Number::infinity(self.negative);
                rounded.flags = flag::INEXACT;
                rounded.up = true;
            }
            return rounded.with(flag::OVERFLOW);
        }
        let up = rules.mode == Mode::Nearest || rules.mode.grows(self.negative, false, 1, 2);
        let value = if up {
            Number::infinity(self.negative)
        } else {
            Number {
                exponent: rules.range.max,
                significand: u64::MAX << (64 - rules.precision),
                ..rounded.value
            }
        };
        let flags = flag::OVERFLOW | flag::INEXACT;
        Outcome { value, flags, up }
    }
}

/// What an unmasked overflow subtracts from the exponent of an 80-bit result. Only
/// `fscale` may need more; then the result is infinite, or zero.
const WRAP: i32 = 24576;

/// Shifts to the right; the lowest bit stays set if one is lost.
pub(super) fn shift_right(value: u128, count: u32) -> u128 {
    if count >= 128 {
        return u128::from(value != 0);
    }
    let lost = value & ((1u128 << count) - 1);
    value >> count | u128::from(lost != 0)
}
