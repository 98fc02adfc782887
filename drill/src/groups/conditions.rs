//! Every condition on every value of the flags: jumps in all lengths, sets, moves.

use crate::case::{Case, flag, register::ECX};

/// Ways to use a condition.
const WAYS: u32 = 6;
/// Values of the six arithmetic flags.
const VALUES: u32 = 64;
/// All of them.
pub(super) const CASES: u32 = WAYS * VALUES * 16;

pub(super) fn build(case: &mut Case, number: u32) {
    let condition = (number / WAYS % 16) as u8;
    case.state.flags &= !flag::ARITHMETIC;
    case.state.flags |= spread(number / WAYS / 16);
    match number % WAYS {
        0 => case.code.add(&[0x70 | condition, 5]),
        1 => case.code.add(&[0x66, 0x70 | condition, 5]),
        2 => case.code.add(&[0x0f, 0x80 | condition, 5, 0, 0, 0]),
        3 => case.code.add(&[0x66, 0x0f, 0x80 | condition, 5, 0]),
        4 => {
            let rm = case.rm(8);
            return case.instruction(8, &[0x0f, 0x90 | condition], 0, &rm);
        }
        _ => {
            let width = case.wide();
            let rm = case.rm(width);
            let register = case.register(width);
            return case.instruction(width, &[0x0f, 0x40 | condition], register, &rm);
        }
    }
    // What a jump jumps over.
    case.code.add(&[0xb8 | ECX]);
    case.code.add_value(0x1234_5678, 4);
}

/// The arithmetic flags with these values.
fn spread(value: u32) -> u32 {
    const FLAGS: [u32; 6] = [flag::CF, flag::PF, flag::AF, flag::ZF, flag::SF, flag::OF];
    let set = |(index, flag)| if value >> index & 1 != 0 { flag } else { 0 };
    FLAGS.into_iter().enumerate().map(set).sum()
}
