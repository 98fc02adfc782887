//! Selectors: loaded, stored and asked about.

use crate::case::register::{EAX, EBX, ECX, EDX};
use crate::case::{Case, flag};
use crate::operand::{Where, set};

/// What may be asked about: null selectors, code and data.
const GOOD: [u32; 8] = [0, 1, 2, 3, 0x1b, 0x23, 0x20, 0x18];
/// What es, fs and gs are loaded with. The other null selectors become 0 when the
/// kernel comes back from an interrupt (IRET, RETURN-TO-OUTER-PRIVILEGE-LEVEL).
const LOADED: [u32; 5] = [0, 0x1b, 0x23, 0x20, 0x18];
/// In what `lar` gives: the segment has been loaded.
const ACCESSED: u32 = 0x100;
/// Segment registers as `mov` names them.
const ES: u8 = 0;
const FS: u8 = 4;
const GS: u8 = 5;

pub(super) fn build(case: &mut Case) {
    match case.random.below(5) {
        0 => store(case),
        1 => load_and_store(case),
        2 => load_far(case),
        3 => ask(case),
        _ => adjust(case),
    }
}

fn store(case: &mut Case) {
    let width = case.wide();
    let rm = case.rm(width);
    let segment = case.random.below(6) as u8;
    case.instruction(width, &[0x8c], segment, &rm);
}

fn load_and_store(case: &mut Case) {
    let rm = case.rm_without(16, set(&[EBX]));
    let selector = case.random.one_of(&LOADED);
    case.set_operand(16, rm.place, selector);
    let segment = case.random.one_of(&[ES, FS, GS]);
    let width = case.wide();
    case.instruction(width, &[0x8e], segment, &rm);
    case.code.add(&[0x8c, 0xc0 | segment << 3 | EBX]);
}

/// `les`, `lfs`, `lgs`.
fn load_far(case: &mut Case) {
    let width = case.wide();
    let rm = case.memory(set(&[]));
    let selector = case.random.one_of(&LOADED);
    if let Where::Memory(va) = rm.place {
        case.poke(va + width / 8, selector, 2);
    }
    let register = loop {
        let register = case.register(width);
        if register != EBX {
            break register;
        }
    };
    const FORMS: [(&[u8], u8); 3] = [(&[0xc4], ES), (&[0x0f, 0xb4], FS), (&[0x0f, 0xb5], GS)];
    let (opcode, segment) = case.random.one_of(&FORMS);
    case.instruction(width, opcode, register, &rm);
    case.code.add(&[0x8c, 0xc0 | segment << 3 | EBX]);
}

/// `lar`, `lsl`, `verr`, `verw` of selectors that are the same in every kernel.
fn ask(case: &mut Case) {
    let selector = case.random.one_of(&GOOD);
    case.set_low(EAX, selector);
    let width = case.wide();
    case.width_prefix(width);
    match case.random.below(4) {
        field @ (0 | 1) => case.code.add(&[0x0f, 0, 0xe0 | (field as u8) << 3 | EAX]),
        2 => rights(case),
        _ => {
            let register = case.register(width);
            case.code.add(&[0x0f, 3, 0xc0 | register << 3 | EAX]);
        }
    }
}

/// `lar` to ecx. Whether a segment has been accessed depends on what the kernel did
/// before; so ZF is saved in dl, and that bit cleared.
fn rights(case: &mut Case) {
    case.code.add(&[0x0f, 2, 0xc0 | ECX << 3 | EAX]);
    case.code.add(&[0x0f, 0x94, 0xc0 | EDX]);
    case.code.add(&[0x81, 0xe0 | ECX]);
    case.code.add_value(!ACCESSED, 4);
    case.undefined |= flag::AF;
}

/// `arpl`; half of the time the levels differ in its favour.
fn adjust(case: &mut Case) {
    let rm = case.rm(16);
    let register = case.register(16);
    case.instruction(32, &[0x63], register, &rm);
    case.state.flags |= case.random.uniform() & flag::ARITHMETIC;
}
