//! Multiplication, division, and the correction of decimal results.
//!
//! The hard thing is what the manual leaves undefined. After a multiplication ZF, SF
//! and PF are those of the lower half, AF is 0; a division leaves all flags as they
//! were; `daa` and `das` clear OF. QEMU does the same.

use crate::arithmetic::logic;
use crate::bus::Bus;
use crate::decode::{Operand, Operation};
use crate::flags::Flags;
use crate::operand::{mask, signed, with_width};
use crate::processor::Processor;
use crate::registers::number::{EAX, EDX};
use crate::trap::Trap;
use iced_x86::Mnemonic;

/// Number of `ah` among the byte registers.
const AH: u8 = 4;

/// Flags of a product: carry and overflow if it does not fit the lower half.
fn product<const W: u32>(flags: &mut Flags, low: u32, fits: bool) {
    flags.set_result::<W>(low);
    flags.set_adjust(false);
    flags.set_carry_and_overflow(!fits, !fits);
}

impl Processor {
    /// Executes an instruction of this unit.
    pub(crate) fn multiply<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        use Mnemonic::*;
        match operation.mnemonic {
            Imul if operation.from != Operand::None => {
                with_width!(operation, self.multiply_register(bus, operation))
            }
            Mul | Imul => with_width!(operation, self.multiply_wide(bus, operation)),
            Div | Idiv => with_width!(operation, self.divide(bus, operation)),
            _ => self.correct_decimal(operation),
        }
    }

    /// `imul` with two or three operands.
    fn multiply_register<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let (a, b) = match operation.third {
            Operand::None => (operation.to, operation.from),
            third => (operation.from, third),
        };
        let a = signed::<W>(self.get::<W, B>(bus, operation, a)?);
        let b = signed::<W>(self.get::<W, B>(bus, operation, b)?);
        let whole = i64::from(a) * i64::from(b);
        let low = whole as u32 & mask::<W>();
        let fits = whole == i64::from(signed::<W>(low));
        product::<W>(&mut self.registers.flags, low, fits);
        self.put::<W, B>(bus, operation, operation.to, low)
    }

    /// `mul` and `imul` of the accumulator: ax, dx:ax or edx:eax.
    fn multiply_wide<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let b = self.get::<W, B>(bus, operation, operation.to)?;
        let a = self.registers.get_part::<W>(EAX);
        let (whole, fits) = if operation.mnemonic == Mnemonic::Mul {
            let whole = u64::from(a) * u64::from(b);
            (whole, whole >> W == 0)
        } else {
            let whole = i64::from(signed::<W>(a)) * i64::from(signed::<W>(b));
            let low = whole as u32 & mask::<W>();
            (whole.cast_unsigned(), whole == i64::from(signed::<W>(low)))
        };
        let low = whole as u32 & mask::<W>();
        self.put_wide::<W>(low, (whole >> W) as u32 & mask::<W>());
        product::<W>(&mut self.registers.flags, low, fits);
        Ok(())
    }

    /// Sets the two halves of a wide accumulator.
    fn put_wide<const W: u32>(&mut self, low: u32, high: u32) {
        self.registers.set_part::<W>(EAX, low);
        let upper = if W == 8 { AH } else { EDX };
        self.registers.set_part::<W>(upper, high);
    }

    fn divide<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let divisor = self.get::<W, B>(bus, operation, operation.to)?;
        let upper = if W == 8 { AH } else { EDX };
        let high = u64::from(self.registers.get_part::<W>(upper));
        let dividend = high << W | u64::from(self.registers.get_part::<W>(EAX));
        let (quotient, remainder) = if operation.mnemonic == Mnemonic::Div {
            divide_unsigned::<W>(dividend, divisor)
        } else {
            divide_signed::<W>(dividend, divisor)
        }
        .ok_or(Trap::DIVIDE)?;
        self.put_wide::<W>(quotient, remainder);
        Ok(())
    }

    fn correct_decimal(&mut self, operation: &Operation) -> Result<(), Trap> {
        use Mnemonic::*;
        let ax = self.registers.get_part::<16>(EAX);
        let (al, ah) = (ax & 0xff, ax >> 8);
        let base = operation.immediate & 0xff;
        match operation.mnemonic {
            Aaa => self.correct_unpacked(al.wrapping_add(6), ah + 1 + u32::from(al > 0xf9)),
            Aas => {
                self.correct_unpacked(al.wrapping_sub(6), ah.wrapping_sub(1 + u32::from(al < 6)))
            }
            Daa => self.correct_packed(al, true),
            Das => self.correct_packed(al, false),
            Aam if base == 0 => return Err(Trap::DIVIDE),
            Aam => self.put_decimal(al % base, al / base),
            _ => self.put_decimal((ah * base + al) & 0xff, 0),
        }
        Ok(())
    }

    /// `aam` and `aad`: as after a logical operation on al.
    fn put_decimal(&mut self, al: u32, ah: u32) {
        self.put_wide::<8>(al, ah);
        logic::<8>(&mut self.registers.flags, al);
    }

    /// `aaa` and `aas`: takes the corrected values if a correction is due.
    fn correct_unpacked(&mut self, al: u32, ah: u32) {
        let old = self.registers.get_part::<8>(EAX);
        let due = old & 0xf > 9 || self.registers.flags.adjust();
        if due {
            self.put_wide::<8>(al & 0xf, ah & 0xff);
        } else {
            self.registers.set_part::<8>(EAX, old & 0xf);
        }
        self.registers.flags.set_adjust(due);
        self.registers.flags.set_carry(due);
    }

    /// `daa` and `das`.
    fn correct_packed(&mut self, old: u32, add: bool) {
        let flags = &self.registers.flags;
        let low = old & 0xf > 9 || flags.adjust();
        let high = old > 0x99 || flags.carry();
        let carry = high || low && !add && old < 6;
        let by = u32::from(low) * 6 + u32::from(high) * 0x60;
        let new = if add {
            old.wrapping_add(by)
        } else {
            old.wrapping_sub(by)
        } & 0xff;
        self.registers.set_part::<8>(EAX, new);
        let flags = &mut self.registers.flags;
        flags.set_result::<8>(new);
        flags.set_adjust(low);
        flags.set_carry_and_overflow(carry, false);
    }
}

/// Quotient and remainder, if the quotient fits.
fn divide_unsigned<const W: u32>(dividend: u64, divisor: u32) -> Option<(u32, u32)> {
    let quotient = dividend.checked_div(divisor.into())?;
    let remainder = dividend % u64::from(divisor);
    (quotient <= u64::from(mask::<W>())).then_some((quotient as u32, remainder as u32))
}

/// As [`divide_unsigned`], rounded towards zero.
fn divide_signed<const W: u32>(dividend: u64, divisor: u32) -> Option<(u32, u32)> {
    let unused = 64 - 2 * W;
    let dividend = (dividend << unused).cast_signed() >> unused;
    let divisor = i64::from(signed::<W>(divisor));
    let quotient = dividend.checked_div(divisor)?;
    let remainder = dividend % divisor;
    let fits = quotient == i64::from(signed::<W>(quotient as u32));
    fits.then_some((
        quotient as u32 & mask::<W>(),
        remainder as u32 & mask::<W>(),
    ))
}
