//! Arithmetic on numbers of any format, by the rules of either family.
//!
//! The hard thing is the order of the exceptions: a signaling NaN, then a quiet one,
//! then an invalid operation or a division by zero, then a denormal operand; which
//! of two NaNs is the result differs between x87 and SSE (Intel SDM volume 1,
//! 4.8.3.5 and 4.9.2).

use super::number::{Kind, Number, flag};
use super::rounding::{Exact, Family, Mode, Outcome, Rules, shift_right};
use core::cmp::Ordering;

/// An operation with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
}

/// Computes `a` operation `b`.
pub(super) fn binary(operation: Binary, a: Number, b: Number, rules: &Rules) -> Outcome {
    if let Some(nan) = nan_of(a, b, rules.family) {
        return nan;
    }
    let outcome = match operation {
        Binary::Add => add(a, b, rules),
        Binary::Sub => add(a, b.negated(), rules),
        Binary::Mul => mul(a, b, rules),
        Binary::Div => div(a, b, rules),
    };
    if outcome.flags & (flag::INVALID | flag::ZERO) != 0 {
        return outcome;
    }
    outcome.with(a.denormal_flag() | b.denormal_flag())
}

/// The result if an operand is a NaN, or none of any kind.
pub(super) fn nan_of(a: Number, b: Number, family: Family) -> Option<Outcome> {
    if a.kind == Kind::Unsupported || b.kind == Kind::Unsupported {
        return Some(Outcome::invalid());
    }
    let winner = match (a.is_nan(), b.is_nan()) {
        (false, false) => return None,
        (true, false) => a,
        (false, true) => b,
        (true, true) if family == Family::Sse => a,
        (true, true) => larger(a, b),
    };
    let invalid = a.is_trouble() || b.is_trouble();
    let flags = if invalid { flag::INVALID } else { 0 };
    Some(Outcome::exact(winner.quiet()).with(flags))
}

/// Of two NaNs the one that x87 yields.
fn larger(a: Number, b: Number) -> Number {
    let key = |n: Number| (n.significand, !n.negative);
    match (a.is_trouble(), b.is_trouble()) {
        (true, false) => b,
        (false, true) => a,
        _ if key(a) >= key(b) => a,
        _ => b,
    }
}

fn add(a: Number, b: Number, rules: &Rules) -> Outcome {
    use Kind::*;
    match (a.kind, b.kind) {
        (Infinite, Infinite) if a.negative != b.negative => return Outcome::invalid(),
        (Infinite, _) => return Outcome::exact(a),
        (_, Infinite) => return Outcome::exact(b),
        (Zero, Zero) if a.negative == b.negative => return Outcome::exact(a),
        (Zero, Zero) => return Outcome::exact(Number::zero(rules.mode == Mode::Down)),
        (Zero, _) => return Exact::of(b).round(rules),
        (_, Zero) => return Exact::of(a).round(rules),
        _ => {}
    }
    let (big, small) = if a.exponent >= b.exponent {
        (a, b)
    } else {
        (b, a)
    };
    // One bit above for the carry, and enough below for what one shift loses.
    let high = u128::from(big.significand) << 62;
    let distance = (big.exponent - small.exponent) as u32;
    let low = shift_right(u128::from(small.significand) << 62, distance);
    let scale = big.exponent - 63 - 62;
    if big.negative == small.negative {
        return Exact::new(big.negative, high + low, scale).round(rules);
    }
    match high.cmp(&low) {
        Ordering::Equal => Outcome::exact(Number::zero(rules.mode == Mode::Down)),
        Ordering::Greater => Exact::new(big.negative, high - low, scale).round(rules),
        Ordering::Less => Exact::new(small.negative, low - high, scale).round(rules),
    }
}

fn mul(a: Number, b: Number, rules: &Rules) -> Outcome {
    use Kind::*;
    let negative = a.negative != b.negative;
    match (a.kind, b.kind) {
        (Infinite, Zero) | (Zero, Infinite) => Outcome::invalid(),
        (Infinite, _) | (_, Infinite) => Outcome::exact(Number::infinity(negative)),
        (Zero, _) | (_, Zero) => Outcome::exact(Number::zero(negative)),
        _ => {
            let product = u128::from(a.significand) * u128::from(b.significand);
            Exact::new(negative, product, a.exponent + b.exponent - 126).round(rules)
        }
    }
}

fn div(a: Number, b: Number, rules: &Rules) -> Outcome {
    use Kind::*;
    let negative = a.negative != b.negative;
    match (a.kind, b.kind) {
        (Infinite, Infinite) | (Zero, Zero) => Outcome::invalid(),
        (Infinite, _) => Outcome::exact(Number::infinity(negative)),
        (Zero, _) | (_, Infinite) => Outcome::exact(Number::zero(negative)),
        (_, Zero) => Outcome::exact(Number::infinity(negative)).with(flag::ZERO),
        _ => {
            let divisor = u128::from(b.significand);
            let dividend = u128::from(a.significand) << 64;
            let rest = (dividend % divisor) << 32;
            let more = u128::from(!rest.is_multiple_of(divisor));
            let quotient = (dividend / divisor) << 32 | (rest / divisor);
            let scale = a.exponent - b.exponent - 97;
            Exact::new(negative, quotient << 1 | more, scale).round(rules)
        }
    }
}

/// The square root.
pub(super) fn sqrt(a: Number, rules: &Rules) -> Outcome {
    if let Some(nan) = nan_of(a, a, rules.family) {
        return nan;
    }
    if a.is_zero() {
        return Outcome::exact(a);
    }
    if a.negative {
        return Outcome::invalid();
    }
    if a.is_infinite() {
        return Outcome::exact(a);
    }
    // An even exponent below.
    let odd = a.exponent & 1;
    let square = u128::from(a.significand) << (63 + odd);
    let root = square.isqrt();
    let rest = square - root * root;
    let below = u128::from(rest > root) << 1 | u128::from(rest != 0);
    let scale = (a.exponent - odd - 126) / 2 - 2;
    Exact::new(false, root << 2 | below, scale)
        .round(rules)
        .with(a.denormal_flag())
}

/// Rounds to an integer that is still a number of the format.
pub(super) fn to_integral(a: Number, rules: &Rules) -> Outcome {
    if let Some(nan) = nan_of(a, a, rules.family) {
        return nan;
    }
    if a.kind != Kind::Finite {
        return Outcome::exact(a);
    }
    if a.exponent >= 63 {
        return Outcome::exact(a);
    }
    let (magnitude, flags, up) = whole(a, rules.mode);
    let value = if magnitude == 0 {
        Number::zero(a.negative)
    } else {
        let shift = magnitude.leading_zeros();
        Number {
            exponent: 63 - shift as i32,
            significand: magnitude << shift,
            denormal: false,
            ..a
        }
    };
    Outcome { value, flags, up }.with(a.denormal_flag())
}

/// The magnitude of a finite number below 2^64, rounded to an integer.
fn whole(a: Number, mode: Mode) -> (u64, u8, bool) {
    // 65 bits before the point at most, 63 behind.
    let shift = (63 - a.exponent) as u32;
    let fixed = shift_right(u128::from(a.significand) << 63, shift);
    let one = 1u128 << 63;
    let rest = fixed & (one - 1);
    let up = mode.grows(a.negative, fixed & one != 0, rest, one / 2);
    let magnitude = (fixed >> 63) as u64 + u64::from(up);
    let flags = if rest == 0 { 0 } else { flag::INEXACT };
    (magnitude, flags, up)
}

/// An integer of `width` bits, exceptions, and whether it was rounded away from
/// zero. What does not fit is invalid, and the most negative integer.
pub(super) fn to_integer(a: Number, width: u32, mode: Mode) -> (i64, u8, bool) {
    let lowest = i64::MIN >> (64 - width);
    let wrong = (lowest, flag::INVALID, false);
    if a.is_zero() {
        return (0, 0, false);
    }
    if a.kind != Kind::Finite || a.exponent >= width as i32 {
        return wrong;
    }
    let (magnitude, flags, up) = whole(a, mode);
    let limit = lowest.unsigned_abs();
    if magnitude > limit || magnitude == limit && !a.negative {
        return wrong;
    }
    let value = magnitude as i64;
    (
        if a.negative {
            value.wrapping_neg()
        } else {
            value
        },
        flags,
        up,
    )
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Less,
    Equal,
    Greater,
    Unordered,
}

/// Compares, with exceptions; a quiet NaN is invalid unless `quiet`.
pub(super) fn compare(a: Number, b: Number, quiet: bool) -> (Relation, u8) {
    let trouble = a.is_trouble() || b.is_trouble();
    if trouble || a.is_nan() || b.is_nan() {
        let invalid = trouble || !quiet;
        return (Relation::Unordered, if invalid { flag::INVALID } else { 0 });
    }
    let flags = a.denormal_flag() | b.denormal_flag();
    if a.is_zero() && b.is_zero() {
        return (Relation::Equal, flags);
    }
    let relation = match key(a).cmp(&key(b)) {
        Ordering::Less => Relation::Less,
        Ordering::Equal => Relation::Equal,
        Ordering::Greater => Relation::Greater,
    };
    (relation, flags)
}

/// Orders numbers that are no NaNs.
fn key(a: Number) -> i128 {
    let magnitude = match a.kind {
        Kind::Zero => 0,
        Kind::Infinite => i128::MAX,
        _ => i128::from(a.exponent + 0x1_0000) << 64 | i128::from(a.significand),
    };
    if a.negative { -magnitude } else { magnitude }
}

/// The same number in another format or precision.
pub(super) fn convert(a: Number, rules: &Rules) -> Outcome {
    if let Some(nan) = nan_of(a, a, rules.family) {
        return nan;
    }
    if a.kind != Kind::Finite {
        return Outcome::exact(a);
    }
    Exact::of(a).round(rules).with(a.denormal_flag())
}
