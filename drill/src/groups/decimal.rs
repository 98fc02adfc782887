//! `aaa`, `aas`, `daa`, `das`, `aam`, `aad`.
//!
//! Undefined: OF, SF, ZF and PF of the first two, OF of the next two, OF, AF and CF
//! of the last two.

use crate::case::{Case, flag, register::EAX};

pub(super) fn build(case: &mut Case) {
    let opcode = case.random.one_of(&[0x37, 0x3f, 0x27, 0x2f, 0xd4, 0xd5]);
    if !case.sequence {
        let ax = case.random.uniform();
        case.set_low(EAX, ax);
    }
    case.code.add(&[opcode]);
    case.undefined |= match opcode {
        0x37 | 0x3f => flag::OF | flag::SF | flag::ZF | flag::PF,
        0x27 | 0x2f => flag::OF,
        _ => {
            let base = case.random.one_of(&[10, 1, 16, 127, 7]);
            case.code.add(&[base]);
            flag::OF | flag::AF | flag::CF
        }
    };
}
