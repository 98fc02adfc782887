//! Jumps, calls, returns and loops, near and far.
//!
//! The instruction is at the beginning. Behind it ecx is turned over, at the target
//! esi is counted up; so the registers say which way it went.

use crate::case::{Case, flag, register::EAX, register::ECX, register::ESP};
use crate::layout::{CODE, CODE_SELECTOR};
use crate::operand::{Rm, Where, set};

/// Where jumps go.
const OFFSET: usize = 0x40;
const TARGET: u32 = CODE + OFFSET as u32;
const NOT_ECX: [u8; 2] = [0xf7, 0xd1];
const INC_ESI: [u8; 1] = [0x46];

pub(super) fn build(case: &mut Case) {
    match case.random.below(9) {
        0 => forward(case),
        1 => backward(case),
        2 => relative(case),
        3 | 4 => indirect(case),
        5 => far(case),
        6 => far_indirect(case),
        7 => return_near(case),
        _ => return_far(case),
    }
    case.code.add(&NOT_ECX);
    case.code.exit();
    case.code.go_to(OFFSET);
    case.code.add(&INC_ESI);
}

/// A relative distance to the target, which ends the instruction.
fn distance(case: &mut Case, size: u32) {
    let next = case.code.bytes().len() as u32 + size;
    case.code.add_value(OFFSET as u32 - next, size);
}

/// `loopne`, `loope`, `loop`, `jecxz` over what follows.
fn forward(case: &mut Case) {
    let count = case.random.one_of(&[0, 1, 2, 0x1_0000, 0x1_0001, u32::MAX]);
    case.set(ECX, count);
    let prefix: &[u8] = case
        .random
        .one_of(&[&[][..], &[0x67], &[0x66], &[0x67, 0x66]]);
    case.code.add(prefix);
    let opcode = 0xe0 | case.random.below(4) as u8;
    case.code.add(&[opcode]);
    distance(case, 1);
}

/// `inc eax`, counted by `loop` and its brothers.
fn backward(case: &mut Case) {
    let count = 1 + case.random.below(20);
    case.set(ECX, count);
    let eax = case.random.below(8).wrapping_sub(6);
    case.set(EAX, eax);
    let opcode = 0xe0 | case.random.below(3) as u8;
    case.code.add(&[0x40, opcode, 0xfd]);
}

/// `jmp` and `call` by a distance.
fn relative(case: &mut Case) {
    let width = case.wide();
    let opcode = case.random.one_of(&[0xe8, 0xe9, 0xeb]);
    case.width_prefix(width);
    case.code.add(&[opcode]);
    distance(case, if opcode == 0xeb { 1 } else { width / 8 });
}

/// Through a register, or a word in memory that esp does not reach.
fn indirect(case: &mut Case) {
    let width = case.wide();
    let rm = loop {
        let rm = case.rm_without(width, set(&[ESP]));
        if is_apart(case, &rm) {
            break rm;
        }
    };
    case.set_operand(width, rm.place, TARGET);
    let field = case.random.one_of(&[2, 4]);
    case.instruction(width, &[0xff], field, &rm);
}

fn is_apart(case: &Case, rm: &Rm) -> bool {
    match rm.place {
        Where::Memory(va) => va.abs_diff(case.get(ESP)) > 16,
        Where::Register(_) => true,
    }
}

/// To an address that stands in the instruction.
fn far(case: &mut Case) {
    let width = case.wide();
    case.width_prefix(width);
    let opcode = case.random.one_of(&[0x9a, 0xea]);
    case.code.add(&[opcode]);
    case.code.add_value(TARGET, width / 8);
    case.code.add_value(CODE_SELECTOR.into(), 2);
}

/// To an address in memory.
fn far_indirect(case: &mut Case) {
    let width = case.wide();
    let rm = loop {
        let rm = case.memory(set(&[ESP]));
        if is_apart(case, &rm) {
            break rm;
        }
    };
    if let Where::Memory(va) = rm.place {
        case.poke(va, TARGET, width / 8);
        case.poke(va + width / 8, CODE_SELECTOR.into(), 2);
    }
    let field = case.random.one_of(&[3, 5]);
    case.instruction(width, &[0xff], field, &rm);
}

/// How many bytes a return drops. QEMU (7.2 at least) takes the number as signed, the
/// manual and the interpreter do not; so its sign is clear here.
fn released(case: &mut Case) {
    let count = case.random.word() & 0x7fff;
    case.code.add_value(count, 2);
}

fn return_near(case: &mut Case) {
    let width = case.wide();
    let esp = case.get(ESP);
    case.poke(esp, TARGET, width / 8);
    case.width_prefix(width);
    if case.random.once_in(2) {
        case.code.add(&[0xc3]);
    } else {
        case.code.add(&[0xc2]);
        released(case);
    }
}

/// `retf` and `iret`, within ring 3. QEMU (7.2 at least) enters virtual-8086 mode if
/// `iret` pops VM in ring 3, where the manual says that it stays as it is (IRET,
/// operation, RETURN-TO-SAME-PRIVILEGE-LEVEL); so none does here.
fn return_far(case: &mut Case) {
    let width = case.wide();
    let size = width / 8;
    let esp = case.get(ESP);
    case.poke(esp, TARGET, size);
    case.poke(esp + size, CODE_SELECTOR.into(), size);
    case.width_prefix(width);
    match case.random.below(3) {
        0 => case.code.add(&[0xcb]),
        1 => {
            case.code.add(&[0xca]);
            released(case);
        }
        _ => {
            let flags = case.random.uniform() & !(flag::TF | flag::NT | flag::VM);
            case.poke(esp + 2 * size, flags, size);
            case.code.add(&[0xcf]);
        }
    }
}
