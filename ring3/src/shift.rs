//! Shifts and rotates.
//!
//! The hard thing is counts beyond one, for which the manual leaves OF undefined,
//! and counts beyond the width. Here, as in QEMU, OF of a shift is whether its last
//! step by one bit changed the sign, OF of a rotate what it is for one bit, and AF
//! of a shift is 0. A count of 0 (of its five bits) changes no flag at all.

use crate::bus::Bus;
use crate::decode::{Operand, Operation};
use crate::flags::Flags;
use crate::operand::{mask, signed, with_width};
use crate::processor::Processor;
use crate::registers::number::ECX;
use crate::trap::Trap;
use iced_x86::Mnemonic;

/// The bit of a value of `W` bits that is its sign.
const fn top<const W: u32>(value: u32) -> bool {
    value >> (W - 1) & 1 != 0
}

/// Flags of a shift: `before` is the value one step before `result`.
#[inline(always)]
fn shifted<const W: u32>(flags: &mut Flags, before: u32, result: u32, carry: bool) -> u32 {
    let result = result & mask::<W>();
    flags.set_result::<W>(result);
    flags.set_adjust(false);
    flags.set_carry_and_overflow(carry, top::<W>(before ^ result));
    result
}

#[inline(always)]
pub(crate) fn left<const W: u32>(flags: &mut Flags, a: u32, count: u32) -> u32 {
    let before = a << (count - 1);
    shifted::<W>(flags, before, before << 1, top::<W>(before))
}

#[inline(always)]
pub(crate) fn right<const W: u32>(flags: &mut Flags, a: u32, count: u32) -> u32 {
    let before = a >> (count - 1);
    shifted::<W>(flags, before, before >> 1, before & 1 != 0)
}

#[inline(always)]
pub(crate) fn right_signed<const W: u32>(flags: &mut Flags, a: u32, count: u32) -> u32 {
    let before = signed::<W>(a) >> (count - 1);
    let result = (before >> 1).cast_unsigned();
    shifted::<W>(flags, before.cast_unsigned(), result, before & 1 != 0)
}

fn rotate_left<const W: u32>(flags: &mut Flags, a: u32, count: u32) -> u32 {
    let turn = count % W;
    let wide = u64::from(a) << turn;
    let result = (wide | wide >> W) as u32 & mask::<W>();
    let carry = result & 1 != 0;
    flags.set_carry_and_overflow(carry, top::<W>(result) != carry);
    result
}

fn rotate_right<const W: u32>(flags: &mut Flags, a: u32, count: u32) -> u32 {
    let turn = count % W;
    let wide = u64::from(a) << (W - turn);
    let result = (wide | wide >> W) as u32 & mask::<W>();
    let carry = top::<W>(result);
    flags.set_carry_and_overflow(carry, top::<W>(result << 1) != carry);
    result
}

/// Rotates `W` + 1 bits, with the carry as the uppermost.
fn rotate_left_through<const W: u32>(flags: &mut Flags, a: u32, count: u32) -> u32 {
    let turn = count % (W + 1);
    let whole = u64::from(flags.carry()) << W | u64::from(a);
    let turned = whole << turn | whole >> (W + 1 - turn);
    through::<W>(flags, a, turned)
}

fn rotate_right_through<const W: u32>(flags: &mut Flags, a: u32, count: u32) -> u32 {
    let turn = count % (W + 1);
    let whole = u64::from(flags.carry()) << W | u64::from(a);
    let turned = whole >> turn | whole << (W + 1 - turn);
    through::<W>(flags, a, turned)
}

fn through<const W: u32>(flags: &mut Flags, old: u32, turned: u64) -> u32 {
    let result = turned as u32 & mask::<W>();
    let carry = turned >> W & 1 != 0;
    flags.set_carry_and_overflow(carry, top::<W>(old ^ result));
    result
}

/// `shld` and `shrd`. A 16-bit count beyond 16 goes on with the destination's own
/// bits, as Intel's processors do.
fn shift_double<const W: u32>(flags: &mut Flags, a: u32, b: u32, count: u32, up: bool) -> u32 {
    let (a, b) = (u64::from(a), u64::from(b));
    if up {
        let wide = match W {
            16 => a << 32 | b << 16 | a,
            _ => a << 32 | b,
        };
        let shift = |by: u32| (wide << by >> 32) as u32;
        let before = shift(count - 1);
        shifted::<W>(flags, before, shift(count), top::<W>(before))
    } else {
        let wide = match W {
            16 => a << 32 | b << 16 | a,
            _ => b << 32 | a,
        };
        let before = (wide >> (count - 1)) as u32;
        // What came in at the top does not count as the sign before.
        let sign = if W == 32 {
            a as u32 >> (count - 1)
        } else {
            before
        };
        shifted::<W>(flags, sign, (wide >> count) as u32, before & 1 != 0)
    }
}

impl Processor {
    /// Executes an instruction of this unit.
    pub(crate) fn shift<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        with_width!(operation, self.shift_of(bus, operation))
    }

    fn shift_of<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        use Mnemonic::*;
        let double = matches!(operation.mnemonic, Shld | Shrd);
        let by = if double {
            operation.third
        } else {
            operation.from
        };
        let count = match by {
            Operand::Immediate => operation.immediate,
            _ => self.registers.get(ECX),
        } & 31;
        if count == 0 {
            // The place is written all the same, and may fault.
            return self.modify::<W, B>(bus, operation, |_, a| a);
        }
        if double {
            let b = self.get::<W, B>(bus, operation, operation.from)?;
            let up = operation.mnemonic == Shld;
            return self
                .modify::<W, B>(bus, operation, |f, a| shift_double::<W>(f, a, b, count, up));
        }
        let method = match operation.mnemonic {
            Shl | Sal => left::<W>,
            Shr => right::<W>,
            Sar => right_signed::<W>,
            Rol => rotate_left::<W>,
            Ror => rotate_right::<W>,
            Rcl => rotate_left_through::<W>,
            _ => rotate_right_through::<W>,
        };
        self.modify::<W, B>(bus, operation, |flags, a| method(flags, a, count))
    }
}
