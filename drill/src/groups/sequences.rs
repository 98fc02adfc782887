//! Several instructions one after the other: flags and registers of one are read by
//! the next.
//!
//! The hard thing is what is undefined in the middle: there it is cleared, by way of
//! the stack, so that it cannot get into what counts.

use super::{arithmetic, bits, decimal, moves, multiply, shifts};
use crate::case::{Case, flag};

pub(super) fn build(case: &mut Case) {
    case.sequence = true;
    for _ in 0..2 + case.random.below(6) {
        case.undefined = 0;
        match case.random.below(8) {
            0..3 => arithmetic::build(case),
            3 => shifts::build(case),
            4 => bits::build(case),
            5 => multiply::build(case),
            6 => decimal::build(case),
            _ => moves::build(case),
        }
        clear(case);
        use_flags(case);
    }
    case.undefined = 0;
}

/// Clears undefined flags: `pushfd`, `and dword [esp], ...`, `popfd`.
fn clear(case: &mut Case) {
    if case.undefined != 0 {
        case.code.add(&[0x9c, 0x81, 0x24, 0x24]);
        case.code.add_value(!case.undefined & !flag::TF, 4);
        case.code.add(&[0x9d]);
    }
}

/// Sometimes a condition, or a carry, of what went before.
fn use_flags(case: &mut Case) {
    let condition = case.random.below(16) as u8;
    match case.random.below(4) {
        0 => case
            .code
            .add(&[0x0f, 0x90 | condition, 0xc0 | condition & 7]),
        1 => case.code.add(&[0x70 | condition, 1, 0x46]),
        _ => {}
    }
}
