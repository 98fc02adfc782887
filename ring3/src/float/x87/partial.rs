//! `fprem`, `fprem1`, `fscale` and `fxtract`: arithmetic on the exponent.
//!
//! The hard thing is a remainder of numbers far apart: the processor reduces the
//! exponent by 32 to 63 at a time, sets C2, and leaves the rest to a loop in the
//! program. How far is left to the implementation; here as processors do.

use crate::float::Fpu;
use crate::float::arithmetic::{nan_of, to_integer};
use crate::float::number::{EXTENDED, Kind, Number, flag};
use crate::float::rounding::{Exact, Family, Mode, Outcome, Rules};
use crate::float::stack::{C0, C1, C2, C3};

impl Fpu {
    pub(super) fn scale(&mut self) {
        let (Some(top), Some(by)) = (self.number(0), self.number(1)) else {
            return self.underflow(0, 0);
        };
        self.deliver(0, scaled(top, by, &self.rules_of(EXTENDED)), 0);
    }

    pub(super) fn remainder(&mut self, nearest: bool) {
        self.condition(C2, 0);
        let (Some(top), Some(by)) = (self.number(0), self.number(1)) else {
            return self.underflow(0, 0);
        };
        let (outcome, codes) = remainder(top, by, nearest, &self.rules_of(EXTENDED));
        let allowed = self.allows(outcome.flags);
        self.deliver(0, outcome, 0);
        if let Some(codes) = codes
            && allowed
        {
            self.condition(C0 | C1 | C2 | C3, codes);
        }
    }

    pub(super) fn extract(&mut self) {
        let full = self.get(7).is_some();
        let Some(top) = self.number(0).filter(|_| !full) else {
            let overflow = self.get(0).is_some();
            if self.stack_fault(overflow) {
                let nan = EXTENDED.pack(Number::DEFAULT_NAN);
                self.set(0, nan);
                self.set_top(self.top() + 7);
                self.set(0, nan);
            }
            return;
        };
        self.condition(C1, 0);
        let (exponent, significand) = extracted(top);
        if !self.raise(exponent.flags) {
            return;
        }
        self.set(0, EXTENDED.pack(exponent.value));
        self.push(EXTENDED.pack(significand));
    }
}

/// The exponent and the significand of a number.
fn extracted(top: Number) -> (Outcome, Number) {
    if let Some(nan) = nan_of(top, top, Family::X87) {
        return (nan, nan.value);
    }
    match top.kind {
        Kind::Zero => (Outcome::exact(Number::infinity(true)).with(flag::ZERO), top),
        Kind::Infinite => (Outcome::exact(Number::infinity(false)), top),
        _ => {
            let exponent = Number::integer(top.exponent.into());
            let significand = Number { exponent: 0, ..top };
            (
                Outcome::exact(exponent).with(top.denormal_flag()),
                significand,
            )
        }
    }
}

/// `top` * 2^`by`, where `by` is cut to an integer.
fn scaled(top: Number, by: Number, rules: &Rules) -> Outcome {
    if let Some(nan) = nan_of(top, by, Family::X87) {
        return nan;
    }
    let denormal = top.denormal_flag() | by.denormal_flag();
    let outcome = match (top.kind, by.kind, by.negative) {
        (Kind::Zero, Kind::Infinite, false) | (Kind::Infinite, Kind::Infinite, true) => {
            return Outcome::invalid();
        }
        (Kind::Zero | Kind::Infinite, ..) | (_, Kind::Zero, _) => Outcome::exact(top),
        (_, Kind::Infinite, true) => Outcome::exact(Number::zero(top.negative)),
        (_, Kind::Infinite, false) => Outcome::exact(Number::infinity(top.negative)),
        _ => {
            let distance = match to_integer(by, 17, Mode::Zero) {
                (_, flag::INVALID, _) if !by.negative => 0x1_0000,
                (distance, ..) => distance as i32,
            };
            let exponent = top.exponent + distance;
            Exact::of(Number { exponent, ..top }).round(rules)
        }
    };
    outcome.with(denormal)
}

/// The condition codes of a remainder that is done: bits of the quotient.
fn codes(quotient: u64) -> Option<u16> {
    let codes = [(4, C0), (2, C3), (1, C1)];
    let set = codes.iter().filter(|(bit, _)| quotient & bit != 0);
    Some(set.fold(0, |codes, (_, code)| codes | code))
}

/// The remainder, and the condition codes if there is one.
fn remainder(a: Number, b: Number, nearest: bool, rules: &Rules) -> (Outcome, Option<u16>) {
    if let Some(nan) = nan_of(a, b, Family::X87) {
        return (nan, None);
    }
    if a.is_infinite() || b.is_zero() {
        return (Outcome::invalid(), None);
    }
    let denormal = a.denormal_flag() | b.denormal_flag();
    let distance = a.exponent - b.exponent;
    if a.is_zero() || b.is_infinite() || distance < -1 || distance < 0 && !nearest {
        return (unchanged(a, rules).with(denormal), codes(0));
    }
    let (high, divisor) = (u128::from(a.significand), u128::from(b.significand));
    if distance >= 64 {
        let steps = 32 + distance % 32;
        let rest = (high << steps) % divisor;
        let scale = b.exponent - 63 + distance - steps;
        return (
            exact(a.negative, rest, scale, rules).with(denormal),
            Some(C2),
        );
    }
    // A unit of half the divisor's last place, for a dividend just below it.
    let (dividend, divisor) = (high << (distance + 1), divisor << 1);
    let (mut quotient, mut rest) = ((dividend / divisor) as u64, dividend % divisor);
    let mut negative = a.negative;
    let half = (rest << 1).cmp(&divisor);
    if nearest && (half.is_gt() || half.is_eq() && quotient & 1 != 0) {
        quotient = quotient.wrapping_add(1);
        rest = divisor - rest;
        negative = !negative;
    }
    let outcome = if rest == 0 {
        Outcome::exact(Number::zero(a.negative))
    } else {
        exact(negative, rest, b.exponent - 64, rules)
    };
    (outcome.with(denormal), codes(quotient))
}

fn unchanged(a: Number, rules: &Rules) -> Outcome {
    if a.is_zero() {
        Outcome::exact(a)
    } else {
        Exact::of(a).round(rules)
    }
}

fn exact(negative: bool, rest: u128, scale: i32, rules: &Rules) -> Outcome {
    if rest == 0 {
        return Outcome::exact(Number::zero(negative));
    }
    Exact::new(negative, rest, scale).round(rules)
}
