//! `lea` of every form of an address, whatever it points to.

use crate::case::Case;

/// Each ModR/M byte that names memory, with other displacements and scales.
pub(super) fn build(case: &mut Case, number: u32) {
    let mod_rm = (number % 192) as u8;
    let short = number / 192 % 4 == 3;
    let mode = mod_rm >> 6;
    let low = mod_rm & 7;
    if short {
        case.code.add(&[0x67]);
    }
    let width = case.wide();
    case.width_prefix(width);
    case.code.add(&[0x8d, mod_rm]);
    let absolute = if short {
        low == 6
    } else if low == 4 {
        let sib = case.random.uniform() as u8;
        case.code.add(&[sib]);
        sib & 7 == 5
    } else {
        low == 5
    };
    match mode {
        1 => case.immediate(8),
        0 if !absolute => {}
        _ => case.immediate(if short { 16 } else { 32 }),
    }
}
