//! SSE and MMX instructions that only put elements elsewhere.
//!
//! The hard thing is which half of which operand an element comes from; all of it is
//! said by one rule here, a list of elements of both operands.

use super::{Form, Function};
use crate::decode::Operation;
use iced_x86::{Code, Mnemonic};

/// The function of a shuffle.
pub(super) fn function(operation: &Operation) -> Option<Function> {
    use Mnemonic::*;
    Some(match operation.mnemonic {
        Punpcklbw => |a, b, form| interleave(a, b, 8, form.bytes, false),
        Punpcklwd => |a, b, form| interleave(a, b, 16, form.bytes, false),
        Punpckldq | Unpcklps => |a, b, form| interleave(a, b, 32, form.bytes, false),
        Punpcklqdq | Unpcklpd => |a, b, form| interleave(a, b, 64, form.bytes, false),
        Punpckhbw => |a, b, form| interleave(a, b, 8, form.bytes, true),
        Punpckhwd => |a, b, form| interleave(a, b, 16, form.bytes, true),
        Punpckhdq | Unpckhps => |a, b, form| interleave(a, b, 32, form.bytes, true),
        Punpckhqdq | Unpckhpd => |a, b, form| interleave(a, b, 64, form.bytes, true),
        Pshufd => |_, b, form| four(b, b, form.immediate, 32),
        Pshufw => |_, b, form| four(b, b, form.immediate, 16),
        Pshuflw => |_, b, form| b >> 64 << 64 | four(b, b, form.immediate, 16),
        Pshufhw => {
            |_, b, form| b & u128::from(u64::MAX) | four(b >> 64, b >> 64, form.immediate, 16) << 64
        }
        Shufps => |a, b, form| four(a, b, form.immediate, 32),
        Shufpd => |a, b, form| {
            let high = element(b, 64, form.immediate >> 1 & 1);
            element(a, 64, form.immediate & 1) | high << 64
        },
        Pinsrw => insert,
        // A later form of the same name stores.
        Pextrw if is_extract(operation.code) => |_, b, form| element(b, 16, word(form)),
        _ => return None,
    })
}

fn is_extract(code: Code) -> bool {
    matches!(code, Code::Pextrw_r32_xmm_imm8 | Code::Pextrw_r32_mm_imm8)
}

/// One element.
fn element(value: u128, width: u32, index: u32) -> u128 {
    value >> (index * width) & ((1 << width) - 1)
}

/// Which word of a register the immediate value means.
fn word(form: Form) -> u32 {
    form.immediate & (form.bytes / 2 - 1)
}

fn insert(a: u128, b: u128, form: Form) -> u128 {
    let at = word(form) * 16;
    a & !(0xffff << at) | (b & 0xffff) << at
}

/// Elements of both operands in turn, from their lower or upper halves.
fn interleave(a: u128, b: u128, width: u32, bytes: u32, upper: bool) -> u128 {
    let count = bytes * 8 / width / 2;
    let first = if upper { count } else { 0 };
    (0..count).fold(0, |result, index| {
        let low = element(a, width, first + index);
        let high = element(b, width, first + index);
        result | low << (index * 2 * width) | high << ((index * 2 + 1) * width)
    })
}

/// Two elements of the first four of `a`, then two of those of `b`, as two bits of
/// the order say for each.
fn four(a: u128, b: u128, order: u32, width: u32) -> u128 {
    (0..4).fold(0, |result, index| {
        let from = if index < 2 { a } else { b };
        let moved = element(from, width, order >> (index * 2) & 3);
        result | moved << (index * width)
    })
}
