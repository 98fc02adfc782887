//! `add`, `or`, `adc`, `sbb`, `and`, `sub`, `xor`, `cmp`, `test`, `inc`, `dec`,
//! `neg`, `not`. Undefined: AF of `and`, `or`, `xor` and `test`.

use crate::case::{Case, flag};

pub(super) fn build(case: &mut Case) {
    match case.random.below(8) {
        0..5 => of_two(case),
        5 => test(case),
        6 => of_one(case),
        _ => short_step(case),
    }
}

/// The eight operations that share an encoding.
fn of_two(case: &mut Case) {
    let operation = case.random.below(8) as u8;
    if matches!(operation, 1 | 4 | 6) {
        case.undefined |= flag::AF;
    }
    let width = case.width();
    match case.random.below(5) {
        direction @ (0 | 1) => {
            let rm = case.rm(width);
            let register = case.register(width);
            let opcode = operation << 3 | (direction as u8) << 1;
            case.sized(width, opcode, register, &rm);
        }
        2 => {
            case.width_prefix(width);
            case.code.add(&[operation << 3 | 4 | u8::from(width != 8)]);
            case.immediate(width);
        }
        3 => {
            let rm = case.rm(width);
            case.sized(width, 0x80, operation, &rm);
            case.immediate(width);
        }
        _ => {
            // The immediate is a byte; 0x82 is another name of 0x80.
            let rm = case.rm(width);
            case.sized(width, 0x82, operation, &rm);
            case.immediate(8);
        }
    }
}

fn test(case: &mut Case) {
    case.undefined |= flag::AF;
    let width = case.width();
    let rm = case.rm(width);
    match case.random.below(3) {
        0 => {
            let register = case.register(width);
            case.sized(width, 0x84, register, &rm);
        }
        1 => {
            case.sized(width, 0xf6, 0, &rm);
            case.immediate(width);
        }
        _ => {
            case.width_prefix(width);
            case.code.add(&[0xa8 | u8::from(width != 8)]);
            case.immediate(width);
        }
    }
}

/// `inc`, `dec`, `not`, `neg`.
fn of_one(case: &mut Case) {
    let width = case.width();
    let rm = case.rm(width);
    let (opcode, field) = case
        .random
        .one_of(&[(0xfe, 0), (0xfe, 1), (0xf6, 2), (0xf6, 3)]);
    case.sized(width, opcode, field, &rm);
}

/// `inc` and `dec` of a register in one byte.
fn short_step(case: &mut Case) {
    let width = case.wide();
    let register = case.register(width);
    case.width_prefix(width);
    let opcode = case.random.one_of(&[0x40, 0x48]);
    case.code.add(&[opcode | register]);
}
