//! `bt`, `bts`, `btr`, `btc`, `bsf`, `bsr`, `bswap`.
//!
//! Undefined: all arithmetic flags but CF and ZF of the first four; all but ZF of a
//! scan. A scan of 0 leaves its destination as it was, which later editions of the
//! manual say.

use crate::case::{Case, flag};
use crate::layout::MIDDLE;
use crate::operand::{Rm, set};

pub(super) fn build(case: &mut Case) {
    match case.random.below(8) {
        0..3 => of_register(case),
        3..5 => of_immediate(case),
        5..7 => scan(case),
        _ => {
            let register = case.register(32);
            case.code.add(&[0x0f, 0xc8 | register]);
        }
    }
}

const UNDEFINED: u32 = flag::OF | flag::SF | flag::AF | flag::PF;

/// The number of the bit is in a register; in memory it reaches far.
fn of_register(case: &mut Case) {
    let opcode = case.random.one_of(&[0xa3, 0xab, 0xb3, 0xbb]);
    let width = case.wide();
    let number = case.register(width);
    let rm = if case.random.once_in(2) || case.sequence {
        let register = case.register(width);
        Rm::of_register(register)
    } else {
        let target = MIDDLE - 8 + case.random.below(16);
        let rm = case.memory_at(target, set(&[number]));
        let bit = case.random.below(3200).wrapping_sub(1600);
        if width == 16 {
            case.set_low(number, bit);
        } else {
            case.set(number, bit);
        }
        rm
    };
    case.instruction(width, &[0x0f, opcode], number, &rm);
    case.undefined |= UNDEFINED;
}

fn of_immediate(case: &mut Case) {
    let width = case.wide();
    let rm = case.rm(width);
    let field = 4 + case.random.below(4) as u8;
    case.instruction(width, &[0x0f, 0xba], field, &rm);
    case.immediate(8);
    case.undefined |= UNDEFINED;
}

fn scan(case: &mut Case) {
    let width = case.wide();
    let rm = case.rm(width);
    let register = case.register(width);
    let opcode = case.random.one_of(&[0xbc, 0xbd]);
    case.instruction(width, &[0x0f, opcode], register, &rm);
    case.undefined |= UNDEFINED | flag::CF;
}
