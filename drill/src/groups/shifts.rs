//! Shifts and rotates.
//!
//! Undefined: of a rotate OF, unless by 1. Of a shift AF; OF, unless by 1; CF of
//! `shl` and `shr` by the width or more. A count of 0 leaves all as they were. A
//! `shld` or `shrd` by more than the width leaves nothing defined and is left out.

use crate::case::{Case, flag, register::ECX};
use crate::operand::set;

pub(super) fn build(case: &mut Case) {
    if case.random.once_in(4) {
        double(case);
    } else {
        single(case);
    }
}

/// A count for a rotate or shift; not one that turns through the carry all the way
/// round, of which QEMU 10.0.2 makes something else than processors do.
fn count_for(case: &mut Case, operation: u8, width: u32) -> u32 {
    loop {
        let count = count(case);
        let turns = count & 31;
        let all_round = matches!(operation, 2 | 3) && turns != 0 && turns.is_multiple_of(width + 1);
        if !all_round {
            return count;
        }
    }
}

/// A count: any, but mostly one that the width has something to do with.
fn count(case: &mut Case) -> u32 {
    match case.random.below(3) {
        0 => case.random.uniform() & 0xff,
        1 => case.random.below(34),
        _ => case.random.one_of(&[0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33]),
    }
}

fn single(case: &mut Case) {
    let operation = case.random.below(8) as u8;
    let width = case.width();
    let rm = case.rm_without(width, set(&[ECX]));
    // In a sequence nobody knows what cl will be.
    let any_count = !(case.sequence && matches!(operation, 2 | 3) && width < 32);
    match case.random.below(3) {
        0 => {
            let count = count_for(case, operation, width);
            case.sized(width, 0xc0, operation, &rm);
            case.code.add_value(count, 1);
            case.undefined |= undefined(operation, width, count);
        }
        form if form == 1 || !any_count => {
            case.sized(width, 0xd0, operation, &rm);
            case.undefined |= undefined(operation, width, 1);
        }
        _ => {
            let count = count_for(case, operation, width);
            let rest = case.get(ECX) & !0xff;
            case.set(ECX, rest | count);
            case.sized(width, 0xd2, operation, &rm);
            case.undefined |= if case.sequence {
                undefined(operation, width, 2) | undefined(operation, width, 31)
            } else {
                undefined(operation, width, count)
            };
        }
    }
}

fn undefined(operation: u8, width: u32, count: u32) -> u32 {
    let count = count & 31;
    let overflow = if count == 1 { 0 } else { flag::OF };
    let carry = if operation != 7 && count >= width {
        flag::CF
    } else {
        0
    };
    match operation {
        _ if count == 0 => 0,
        0..4 => overflow,
        _ => flag::AF | overflow | carry,
    }
}

/// `shld` and `shrd`.
fn double(case: &mut Case) {
    let width = case.wide();
    let rm = case.rm_without(width, set(&[ECX]));
    let register = case.register(width);
    let opcode = case.random.one_of(&[0xa4, 0xac]);
    let count = loop {
        let count = count(case);
        if count & 31 <= width {
            break count;
        }
    };
    if case.random.once_in(2) && !case.sequence {
        let rest = case.get(ECX) & !0xff;
        case.set(ECX, rest | count);
        case.instruction(width, &[0x0f, opcode | 1], register, &rm);
    } else {
        case.instruction(width, &[0x0f, opcode], register, &rm);
        case.code.add_value(count, 1);
    }
    case.undefined |= match count & 31 {
        0 => 0,
        1 => flag::AF,
        _ => flag::AF | flag::OF,
    };
}
