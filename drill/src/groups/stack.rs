//! `push`, `pop`, `pusha`, `popa`, `pushf`, `popf`, `enter`, `leave`.
//!
//! The trap flag is never popped: the kernel would end the program.

use crate::case::{Case, flag, register::EBP, register::ESP};
use crate::layout::{DATA_SELECTOR, MIDDLE};
use crate::operand::set;

pub(super) fn build(case: &mut Case) {
    let esp = MIDDLE - 80 + case.random.below(160);
    case.set(ESP, esp);
    let width = case.wide();
    match case.random.below(12) {
        0 => one_byte(case, width, &[0x50]),
        1 => one_byte(case, width, &[0x58]),
        2 => immediate(case, width),
        3 => {
            let rm = case.rm_without(width, set(&[ESP]));
            case.instruction(width, &[0xff], 6, &rm);
        }
        4 => pop_operand(case, width),
        5 => {
            case.width_prefix(width);
            let opcode = case.random.one_of(&[0x60, 0x61]);
            case.code.add(&[opcode]);
        }
        6 => {
            case.width_prefix(width);
            case.code.add(&[0x9c]);
        }
        7 => pop_flags(case, width),
        8 => enter(case, width),
        9 => leave(case, width),
        _ => segment(case, width),
    }
}

fn one_byte(case: &mut Case, width: u32, opcode: &[u8; 1]) {
    let register = case.register(width);
    case.width_prefix(width);
    case.code.add(&[opcode[0] | register]);
}

fn immediate(case: &mut Case, width: u32) {
    case.width_prefix(width);
    if case.random.once_in(2) {
        case.code.add(&[0x6a]);
        case.immediate(8);
    } else {
        case.code.add(&[0x68]);
        case.immediate(width);
    }
}

/// With esp as the base too: the address is that after the pop.
fn pop_operand(case: &mut Case, width: u32) {
    if case.random.once_in(3) {
        case.width_prefix(width);
        let offset = case.random.below(64) as u8;
        return case.code.add(&[0x8f, 0x44, 0x24, offset]);
    }
    let rm = case.rm_without(width, set(&[ESP]));
    case.instruction(width, &[0x8f], 0, &rm);
}

fn pop_flags(case: &mut Case, width: u32) {
    let esp = case.get(ESP);
    let word = case.peek(esp, 4) & !flag::TF;
    case.poke(esp, word, 4);
    case.width_prefix(width);
    case.code.add(&[0x9d]);
}

fn enter(case: &mut Case, width: u32) {
    let level = case.random.one_of(&[0, 0, 1, 2, 3, 8, 31, 33, 0xe0]);
    if level & 31 > 1 {
        let ebp = MIDDLE - 20 + case.random.below(80);
        case.set(EBP, ebp);
    }
    let bytes = case.random.below(32);
    case.width_prefix(width);
    case.code.add(&[0xc8]);
    case.code.add_value(bytes, 2);
    case.code.add(&[level]);
}

fn leave(case: &mut Case, width: u32) {
    let ebp = MIDDLE - 40 + case.random.below(80);
    case.set(EBP, ebp);
    case.width_prefix(width);
    case.code.add(&[0xc9]);
}

/// Pushes a selector, or pops one that is good.
fn segment(case: &mut Case, width: u32) {
    const PUSHES: [&[u8]; 6] = [
        &[0x06],
        &[0x0e],
        &[0x16],
        &[0x1e],
        &[0x0f, 0xa0],
        &[0x0f, 0xa8],
    ];
    const POPS: [&[u8]; 5] = [&[0x07], &[0x17], &[0x1f], &[0x0f, 0xa1], &[0x0f, 0xa9]];
    case.width_prefix(width);
    let code = if case.random.once_in(2) {
        case.random.one_of(&PUSHES)
    } else {
        let esp = case.get(ESP);
        case.poke(esp, DATA_SELECTOR.into(), 2);
        case.random.one_of(&POPS)
    };
    case.code.add(code);
}
