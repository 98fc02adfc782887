//! `mul`, `imul`, `div`, `idiv`; divisions that do not fault.
//!
//! Undefined: SF, ZF, AF and PF of a product, all arithmetic flags of a division.

use crate::case::{Case, flag, register::EAX, register::EDX};
use crate::operand::set;

pub(super) fn build(case: &mut Case) {
    match case.random.below(5) {
        0 | 1 if !case.sequence => divide(case),
        2 => wide_product(case),
        _ => product(case),
    }
}

const UNDEFINED: u32 = flag::SF | flag::ZF | flag::AF | flag::PF;

/// `mul` and `imul` of the accumulator.
fn wide_product(case: &mut Case) {
    let width = case.width();
    let rm = case.rm(width);
    let field = case.random.one_of(&[4, 5]);
    case.sized(width, 0xf6, field, &rm);
    case.undefined |= UNDEFINED;
}

/// `imul` with a register as the destination.
fn product(case: &mut Case) {
    let width = case.wide();
    let rm = case.rm(width);
    let register = case.register(width);
    match case.random.below(3) {
        0 => case.instruction(width, &[0x0f, 0xaf], register, &rm),
        1 => {
            case.instruction(width, &[0x69], register, &rm);
            case.immediate(width);
        }
        _ => {
            case.instruction(width, &[0x6b], register, &rm);
            case.immediate(8);
        }
    }
    case.undefined |= UNDEFINED;
}

/// The dividend is made from a quotient that fits, and a remainder.
fn divide(case: &mut Case) {
    let width = case.width();
    let rm = case.rm_without(width, set(&[EAX, EDX]));
    if case.operand(width, rm.place) == 0 {
        case.set_operand(width, rm.place, 3);
    }
    let divisor = case.operand(width, rm.place);
    let mask = u32::MAX >> (32 - width);
    let quotient = case.random.word() & mask;
    let rest = case.random.word();
    let signed = case.random.once_in(2);
    let dividend = if signed {
        signed_dividend(width, divisor, quotient, rest)
    } else {
        u64::from(quotient) * u64::from(divisor) + u64::from(rest % divisor)
    };
    if width == 8 {
        case.set_low(EAX, dividend as u32);
    } else {
        let [low, high] = [dividend as u32, (dividend >> width) as u32];
        let [eax, edx] = [EAX, EDX].map(|register| case.get(register) & !mask);
        case.set(EAX, eax | low & mask);
        case.set(EDX, edx | high & mask);
    }
    case.sized(width, 0xf6, 6 + u8::from(signed), &rm);
    case.undefined |= flag::ARITHMETIC;
}

/// The remainder has the sign of the dividend.
fn signed_dividend(width: u32, divisor: u32, quotient: u32, rest: u32) -> u64 {
    let extend = |value: u32| i64::from((value << (32 - width)).cast_signed() >> (32 - width));
    let (divisor, quotient) = (extend(divisor), extend(quotient));
    let product = divisor * quotient;
    let remainder = i64::from(rest) % divisor;
    let remainder = if product < 0 { -remainder } else { remainder };
    (product + remainder).cast_unsigned()
}
