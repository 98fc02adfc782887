//! SSE2 and MMX arithmetic on packed integers, and bitwise operations.
//!
//! The hard thing is signedness: it differs between the two operands of none of these,
//! but between a sum and how it saturates. Elements are extended to 64 bits one way or
//! the other, then nothing overflows.

use super::{Form, Function};
use iced_x86::Mnemonic;

/// The function of an instruction on integers.
pub(super) fn function(mnemonic: Mnemonic) -> Option<Function> {
    bitwise(mnemonic)
        .or_else(|| sum(mnemonic))
        .or_else(|| product(mnemonic))
        .or_else(|| choice(mnemonic))
        .or_else(|| shift(mnemonic))
        .or_else(|| pack(mnemonic))
}

fn bitwise(mnemonic: Mnemonic) -> Option<Function> {
    use Mnemonic::*;
    Some(match mnemonic {
        Pand | Andps | Andpd => |a, b, _| a & b,
        Pandn | Andnps | Andnpd => |a, b, _| !a & b,
        Por | Orps | Orpd => |a, b, _| a | b,
        Pxor | Xorps | Xorpd => |a, b, _| a ^ b,
        _ => return None,
    })
}

fn sum(mnemonic: Mnemonic) -> Option<Function> {
    use Mnemonic::*;
    Some(match mnemonic {
        Paddb => |a, b, _| signed::<8>(a, b, |x, y| x + y),
        Paddw => |a, b, _| signed::<16>(a, b, |x, y| x + y),
        Paddd => |a, b, _| signed::<32>(a, b, |x, y| x + y),
        Paddq => |a, b, _| signed::<64>(a, b, i64::wrapping_add),
        Psubb => |a, b, _| signed::<8>(a, b, |x, y| x - y),
        Psubw => |a, b, _| signed::<16>(a, b, |x, y| x - y),
        Psubd => |a, b, _| signed::<32>(a, b, |x, y| x - y),
        Psubq => |a, b, _| signed::<64>(a, b, i64::wrapping_sub),
        Paddsb => |a, b, _| signed::<8>(a, b, |x, y| saturate(x + y, 8)),
        Paddsw => |a, b, _| signed::<16>(a, b, |x, y| saturate(x + y, 16)),
        Psubsb => |a, b, _| signed::<8>(a, b, |x, y| saturate(x - y, 8)),
        Psubsw => |a, b, _| signed::<16>(a, b, |x, y| saturate(x - y, 16)),
        Paddusb => |a, b, _| unsigned::<8>(a, b, |x, y| (x + y).min(0xff)),
        Paddusw => |a, b, _| unsigned::<16>(a, b, |x, y| (x + y).min(0xffff)),
        Psubusb => |a, b, _| unsigned::<8>(a, b, u64::saturating_sub),
        Psubusw => |a, b, _| unsigned::<16>(a, b, u64::saturating_sub),
        Pavgb => |a, b, _| unsigned::<8>(a, b, |x, y| (x + y).div_ceil(2)),
        Pavgw => |a, b, _| unsigned::<16>(a, b, |x, y| (x + y).div_ceil(2)),
        Psadbw => |a, b, _| {
            let distances = unsigned::<8>(a, b, u64::abs_diff);
            unsigned::<64>(distances, 0, |x, _| {
                x.to_le_bytes().iter().map(|&byte| u64::from(byte)).sum()
            })
        },
        _ => return None,
    })
}

fn product(mnemonic: Mnemonic) -> Option<Function> {
    use Mnemonic::*;
    Some(match mnemonic {
        Pmullw => |a, b, _| signed::<16>(a, b, |x, y| x * y),
        Pmulhw => |a, b, _| signed::<16>(a, b, |x, y| (x * y) >> 16),
        Pmulhuw => |a, b, _| unsigned::<16>(a, b, |x, y| (x * y) >> 16),
        Pmuludq => |a, b, _| unsigned::<64>(a, b, |x, y| u64::from(x as u32) * u64::from(y as u32)),
        Pmaddwd => |a, b, _| {
            signed::<32>(a, b, |x, y| {
                let low = i64::from(x as i16) * i64::from(y as i16);
                low + (x >> 16) * (y >> 16)
            })
        },
        _ => return None,
    })
}

fn choice(mnemonic: Mnemonic) -> Option<Function> {
    use Mnemonic::*;
    Some(match mnemonic {
        Pcmpeqb => |a, b, _| signed::<8>(a, b, |x, y| -i64::from(x == y)),
        Pcmpeqw => |a, b, _| signed::<16>(a, b, |x, y| -i64::from(x == y)),
        Pcmpeqd => |a, b, _| signed::<32>(a, b, |x, y| -i64::from(x == y)),
        Pcmpgtb => |a, b, _| signed::<8>(a, b, |x, y| -i64::from(x > y)),
        Pcmpgtw => |a, b, _| signed::<16>(a, b, |x, y| -i64::from(x > y)),
        Pcmpgtd => |a, b, _| signed::<32>(a, b, |x, y| -i64::from(x > y)),
        Pminub => |a, b, _| unsigned::<8>(a, b, u64::min),
        Pmaxub => |a, b, _| unsigned::<8>(a, b, u64::max),
        Pminsw => |a, b, _| signed::<16>(a, b, i64::min),
        Pmaxsw => |a, b, _| signed::<16>(a, b, i64::max),
        _ => return None,
    })
}

fn shift(mnemonic: Mnemonic) -> Option<Function> {
    use Mnemonic::*;
    Some(match mnemonic {
        Psllw => |a, b, _| unsigned::<16>(a, 0, |x, _| left(x, b, 16)),
        Pslld => |a, b, _| unsigned::<32>(a, 0, |x, _| left(x, b, 32)),
        Psllq => |a, b, _| unsigned::<64>(a, 0, |x, _| left(x, b, 64)),
        Psrlw => |a, b, _| unsigned::<16>(a, 0, |x, _| right(x, b, 16)),
        Psrld => |a, b, _| unsigned::<32>(a, 0, |x, _| right(x, b, 32)),
        Psrlq => |a, b, _| unsigned::<64>(a, 0, |x, _| right(x, b, 64)),
        Psraw => |a, b, _| signed::<16>(a, 0, |x, _| x >> (b as u64).min(15)),
        Psrad => |a, b, _| signed::<32>(a, 0, |x, _| x >> (b as u64).min(31)),
        Pslldq => |a, b, _| a.checked_shl(b as u32 * 8).unwrap_or(0),
        Psrldq => |a, b, _| a.checked_shr(b as u32 * 8).unwrap_or(0),
        _ => return None,
    })
}

fn pack(mnemonic: Mnemonic) -> Option<Function> {
    use Mnemonic::*;
    Some(match mnemonic {
        Packsswb => |a, b, form| packed::<16>(a, b, form, |x| saturate(x, 8)),
        Packssdw => |a, b, form| packed::<32>(a, b, form, |x| saturate(x, 16)),
        Packuswb => |a, b, form| packed::<16>(a, b, form, |x| x.clamp(0, 0xff)),
        _ => return None,
    })
}

/// Replaces all elements by what `compute` makes of two without a sign.
fn unsigned<const WIDTH: u32>(a: u128, b: u128, compute: impl Fn(u64, u64) -> u64) -> u128 {
    let mask = u64::MAX >> (64 - WIDTH);
    (0..128 / WIDTH).fold(0, |result, lane| {
        let at = lane * WIDTH;
        let value = compute((a >> at) as u64 & mask, (b >> at) as u64 & mask);
        result | u128::from(value & mask) << at
    })
}

/// As `unsigned`, of two with a sign.
fn signed<const WIDTH: u32>(a: u128, b: u128, compute: impl Fn(i64, i64) -> i64) -> u128 {
    unsigned::<WIDTH>(a, b, |x, y| {
        compute(extend::<WIDTH>(x), extend::<WIDTH>(y)) as u64
    })
}

fn extend<const WIDTH: u32>(value: u64) -> i64 {
    (value << (64 - WIDTH)) as i64 >> (64 - WIDTH)
}

/// The nearest integer that `width` bits hold.
fn saturate(value: i64, width: u32) -> i64 {
    let limit = 1 << (width - 1);
    value.clamp(-limit, limit - 1)
}

/// The count is 64 bits wide; what is too far leaves nothing.
fn left(value: u64, count: u128, width: u64) -> u64 {
    if (count as u64) < width {
        value << count as u64
    } else {
        0
    }
}

fn right(value: u64, count: u128, width: u64) -> u64 {
    if (count as u64) < width {
        value >> count as u64
    } else {
        0
    }
}

/// All elements of `a`, then of `b`, each in half its width.
fn packed<const WIDTH: u32>(a: u128, b: u128, form: Form, narrow: fn(i64) -> i64) -> u128 {
    let (half, count) = (WIDTH / 2, form.bytes * 8 / WIDTH);
    let mask = u64::MAX >> (64 - half);
    let elements = (0..count)
        .map(|lane| (a, lane))
        .chain((0..count).map(|lane| (b, lane)));
    elements.enumerate().fold(0, |result, (to, (from, lane))| {
        let element = extend::<WIDTH>((from >> (lane * WIDTH)) as u64);
        let value = narrow(element) as u64 & mask;
        result | u128::from(value) << (to as u32 * half)
    })
}
