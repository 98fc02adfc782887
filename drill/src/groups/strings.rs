//! String instructions: each, in both directions, repeated in every way, with
//! addresses of 32 and of 16 bits.

use crate::case::{Case, flag, register::ECX, register::EDI, register::ESI};
use crate::layout::{ARENA, ARENA_SIZE};

/// The most bytes that one of them passes.
const REACH: u32 = 40;

pub(super) fn build(case: &mut Case) {
    let width = case.width();
    let short = case.random.once_in(4);
    if case.random.once_in(2) {
        // Long stretches of equal elements, for comparisons to run along.
        let byte = case.random.uniform() as u8;
        let from = case.random.below(64) as usize;
        case.memory[from..from + 400].fill(byte);
        let al = u32::from(byte) * 0x0101_0101;
        case.set(0, al);
    }
    if case.random.once_in(2) {
        case.state.flags |= flag::DF;
    }
    for register in [ESI, EDI] {
        let place = ARENA + REACH + case.random.below(ARENA_SIZE as u32 - 2 * REACH);
        point(case, register, place, short);
    }
    if short {
        case.code.add(&[0x67]);
    }
    if case.random.once_in(8) {
        let segment = case.random.one_of(&[0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]);
        case.code.add(&[segment]);
    }
    let repeat = case.random.below(3);
    if repeat > 0 {
        case.code.add(&[0xf1 + repeat as u8]);
        let count = case.random.below(10);
        point(case, ECX, count, short);
    }
    case.width_prefix(width);
    let opcode = case.random.one_of(&[0xa4, 0xa6, 0xaa, 0xac, 0xae]);
    case.code.add(&[opcode | u8::from(width != 8)]);
}

fn point(case: &mut Case, register: u8, value: u32, short: bool) {
    if short {
        case.set_low(register, value);
    } else {
        case.set(register, value);
    }
}
