//! Moves, exchanges, extensions, and instructions on single flags.

use crate::case::{Case, register::EAX, register::EBX};
use crate::operand::{Where, set};

pub(super) fn build(case: &mut Case) {
    match case.random.below(13) {
        0..3 => plain(case),
        3 => absolute(case),
        4 => immediate(case),
        5 | 6 => extend(case),
        7 | 8 => exchange(case),
        9 => translate(case),
        10 => bounds(case),
        _ => without_operand(case),
    }
}

/// `mov` between a register and an operand, and `movnti`.
fn plain(case: &mut Case) {
    let width = case.width();
    let register = case.register(width);
    if case.random.once_in(8) {
        let rm = case.memory(0);
        let register = case.register(32);
        case.instruction(32, &[0x0f, 0xc3], register, &rm);
        return;
    }
    let rm = case.rm(width);
    let opcode = case.random.one_of(&[0x88, 0x8a]);
    case.sized(width, opcode, register, &rm);
}

/// `mov` between the accumulator and an address that stands in the instruction.
fn absolute(case: &mut Case) {
    let width = case.width();
    let target = case.target();
    let short = case.random.once_in(2);
    if short {
        case.code.add(&[0x67]);
    }
    case.width_prefix(width);
    let opcode = case.random.one_of(&[0xa0, 0xa2]);
    case.code.add(&[opcode | u8::from(width != 8)]);
    case.code.add_value(target, if short { 2 } else { 4 });
}

fn immediate(case: &mut Case) {
    let width = case.width();
    if case.random.once_in(2) {
        let rm = case.rm(width);
        case.sized(width, 0xc6, 0, &rm);
    } else {
        let register = case.register(width);
        case.width_prefix(width);
        let opcode = if width == 8 { 0xb0 } else { 0xb8 };
        case.code.add(&[opcode | register]);
    }
    case.immediate(width);
}

/// `movzx` and `movsx`.
fn extend(case: &mut Case) {
    let from = case.random.one_of(&[8, 16]);
    let width = case.wide();
    let rm = case.rm(from);
    let register = case.register(width);
    let opcode = case.random.one_of(&[0xb6, 0xbe]) | u8::from(from == 16);
    case.instruction(width, &[0x0f, opcode], register, &rm);
}

fn exchange(case: &mut Case) {
    let width = case.width();
    let register = case.register(width);
    if width != 8 && case.random.once_in(3) {
        case.width_prefix(width);
        case.code.add(&[0x90 | register]);
    } else {
        let rm = case.rm(width);
        case.sized(width, 0x86, register, &rm);
    }
}

/// `xlat`, whose table has 256 bytes.
fn translate(case: &mut Case) {
    if case.sequence {
        return exchange(case);
    }
    let al = case.get(EAX) & 0xff;
    let target = case.target();
    let table = target.wrapping_sub(al);
    if case.random.once_in(2) {
        case.set_low(EBX, table);
        case.code.add(&[0x67, 0xd7]);
    } else {
        case.set(EBX, table);
        case.code.add(&[0xd7]);
    }
}

/// `bound` that finds its index within.
fn bounds(case: &mut Case) {
    let width = case.wide();
    let register = case.register(width);
    if case.sequence {
        return exchange(case);
    }
    let rm = case.memory(0);
    if let Where::Memory(va) = rm.place {
        let index = case.operand(width, Where::Register(register));
        let lowest = 1 << (width - 1);
        let limits = [[lowest, lowest - 1], [index, index], [index, lowest - 1]];
        let [lower, upper] = case.random.one_of(&limits);
        case.poke(va, lower, width / 8);
        case.poke(va + width / 8, upper, width / 8);
    }
    case.instruction(width, &[0x62], register, &rm);
}

/// Conversions, flags by name, and what does nothing.
fn without_operand(case: &mut Case) {
    const FORMS: [&[u8]; 21] = [
        &[0x98],
        &[0x66, 0x98],
        &[0x99],
        &[0x66, 0x99],
        &[0x9e],
        &[0x9f],
        &[0xd6],
        &[0xf5],
        &[0xf8],
        &[0xf9],
        &[0xfc],
        &[0xfd],
        &[0x90],
        &[0xf3, 0x90],
        &[0x66, 0x90],
        &[0x0f, 0xae, 0xe8],
        &[0x0f, 0xae, 0xf0],
        &[0x0f, 0xae, 0xf8],
        &[0x9f, 0x86, 0xc4],
        &[0xfd, 0x9c, 0xfc, 0x58],
        &[0xf9, 0xd6],
    ];
    if case.random.once_in(8) && !case.sequence {
        // A long nop, and a prefetch; neither touches memory.
        let rm = case.memory(set(&[]));
        let opcode = case.random.one_of(&[0x1f, 0x18]);
        return case.instruction(32, &[0x0f, opcode], 0, &rm);
    }
    let form = case.random.one_of(&FORMS);
    case.code.add(form);
}
