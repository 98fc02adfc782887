//! `xadd`, `cmpxchg`, `cmpxchg8b`, and what may have the `lock` prefix.

use crate::case::{Case, flag, register::EAX, register::EDX};
use crate::layout::MIDDLE;
use crate::operand::{Where, set};

pub(super) fn build(case: &mut Case) {
    match case.random.below(5) {
        0 => exchange_add(case),
        1 => compare_exchange(case),
        2 => compare_exchange_8(case),
        3 => locked_bit(case),
        _ => locked(case),
    }
}

fn lock(case: &mut Case) {
    case.code.add(&[0xf0]);
}

fn exchange_add(case: &mut Case) {
    let width = case.width();
    let rm = case.rm(width);
    let register = case.register(width);
    if rm.is_memory() && case.random.once_in(2) {
        lock(case);
    }
    let opcode = 0xc0 | u8::from(width != 8);
    case.instruction(width, &[0x0f, opcode], register, &rm);
}

/// Half of them are equal.
fn compare_exchange(case: &mut Case) {
    let width = case.width();
    let rm = case.rm_without(width, set(&[EAX]));
    let register = case.register(width);
    if case.random.once_in(2) {
        let accumulator = case.get(EAX);
        case.set_operand(width, rm.place, accumulator);
    }
    if rm.is_memory() && case.random.once_in(2) {
        lock(case);
    }
    let opcode = 0xb0 | u8::from(width != 8);
    case.instruction(width, &[0x0f, opcode], register, &rm);
}

fn compare_exchange_8(case: &mut Case) {
    let rm = case.memory(set(&[EAX, EDX]));
    if let Where::Memory(va) = rm.place
        && case.random.once_in(2)
    {
        let [low, high] = [EAX, EDX].map(|register| case.get(register));
        case.poke(va, low, 4);
        case.poke(va + 4, high, 4);
    }
    if case.random.once_in(2) {
        lock(case);
    }
    case.instruction(32, &[0x0f, 0xc7], 1, &rm);
}

/// Undefined as in `bits`.
fn locked_bit(case: &mut Case) {
    let width = case.wide();
    let number = case.register(width);
    let target = MIDDLE - 8 + case.random.below(16);
    let rm = case.memory_at(target, set(&[number]));
    lock(case);
    if case.random.once_in(2) {
        let field = 5 + case.random.below(3) as u8;
        case.instruction(width, &[0x0f, 0xba], field, &rm);
        case.immediate(8);
    } else {
        let bit = case.random.below(3200).wrapping_sub(1600);
        case.set(number, bit);
        let opcode = case.random.one_of(&[0xab, 0xb3, 0xbb]);
        case.instruction(width, &[0x0f, opcode], number, &rm);
    }
    case.undefined |= flag::OF | flag::SF | flag::AF | flag::PF;
}

/// Arithmetic and `xchg` in memory.
fn locked(case: &mut Case) {
    let width = case.width();
    let rm = case.memory(0);
    lock(case);
    let register = case.register(width);
    let operation = case.random.below(7) as u8;
    match case.random.below(4) {
        0 => {
            let (opcode, field) = case
                .random
                .one_of(&[(0xfe, 0), (0xfe, 1), (0xf6, 2), (0xf6, 3)]);
            return case.sized(width, opcode, field, &rm);
        }
        1 => return case.sized(width, 0x86, register, &rm),
        2 => {
            case.sized(width, 0x80, operation, &rm);
            case.immediate(width);
        }
        _ => case.sized(width, operation << 3, register, &rm),
    }
    if matches!(operation, 1 | 4 | 6) {
        case.undefined |= flag::AF;
    }
}
