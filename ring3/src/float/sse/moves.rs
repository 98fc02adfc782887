//! SSE and MMX moves, and masks of signs.
//!
//! The hard thing is what a move does to the rest of the destination: a load from
//! memory clears it, a move between registers leaves it.

use super::{Form, Function};
use crate::decode::Operation;
use iced_x86::{Code, Mnemonic};

const LOW: u128 = u64::MAX as u128;

/// The function of a move.
pub(super) fn function(operation: &Operation) -> Option<Function> {
    use Mnemonic::*;
    Some(match operation.mnemonic {
        Movaps | Movapd | Movups | Movupd | Movdqa | Movdqu | Movntps | Movntpd | Movntdq => whole,
        Movntq | Movdq2q => whole,
        Movss => |a, b, form| low(a, b, form, 32),
        // The string instruction has the same name.
        Movsd if is_scalar(operation.code) => |a, b, form| low(a, b, form, 64),
        Movd => |_, b, _| b & u128::from(u32::MAX),
        Movq | Movq2dq => |_, b, _| b & LOW,
        Movlps | Movlpd => match operation.code {
            Code::Movlps_m64_xmm | Code::Movlpd_m64_xmm => whole,
            _ => |a, b, _| a & !LOW | b & LOW,
        },
        Movhps | Movhpd => match operation.code {
            Code::Movhps_m64_xmm | Code::Movhpd_m64_xmm => |_, b, _| b >> 64,
            _ => |a, b, _| a & LOW | b << 64,
        },
        Movhlps => |a, b, _| a & !LOW | b >> 64,
        Movlhps => |a, b, _| a & LOW | b << 64,
        Movmskps => |_, b, _| signs(b, 32, 4),
        Movmskpd => |_, b, _| signs(b, 64, 2),
        Pmovmskb => |_, b, form| signs(b, 8, form.bytes),
        _ => return None,
    })
}

fn is_scalar(code: Code) -> bool {
    matches!(code, Code::Movsd_xmm_xmmm64 | Code::Movsd_xmmm64_xmm)
}

fn whole(_: u128, b: u128, _: Form) -> u128 {
    b
}

/// Moves the low `width` bits.
fn low(a: u128, b: u128, form: Form, width: u32) -> u128 {
    let moved = b & ((1 << width) - 1);
    if form.memory {
        moved
    } else {
        a >> width << width | moved
    }
}

fn signs(b: u128, width: u32, lanes: u32) -> u128 {
    (0..lanes).fold(0, |mask, lane| {
        mask | (b >> (lane * width + width - 1) & 1) << lane
    })
}
