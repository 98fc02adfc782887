//! Addition and its relatives, and the atomic instructions made of them.
//!
//! The hard thing is the word of carries, from which three flags are read: bit n
//! tells whether a carry, or a borrow, left bit n.

use crate::bus::{Access, Bus};
use crate::decode::{Operand, Operation};
use crate::flags::Flags;
use crate::operand::{mask, with_width};
use crate::processor::Processor;
use crate::registers::number::{EAX, EBX, ECX, EDX};
use crate::trap::Trap;
use iced_x86::Mnemonic;

/// `a + b + carry`, with flags.
#[inline(always)]
pub(crate) fn add<const WIDTH: u32>(flags: &mut Flags, a: u32, b: u32, carry: bool) -> u32 {
    let sum = a.wrapping_add(b).wrapping_add(carry.into()) & mask::<WIDTH>();
    flags.set_result::<WIDTH>(sum);
    flags.set_carries::<WIDTH>(a & b | (a | b) & !sum);
    sum
}

/// `a - b - borrow`, with flags.
#[inline(always)]
pub(crate) fn subtract<const WIDTH: u32>(flags: &mut Flags, a: u32, b: u32, borrow: bool) -> u32 {
    let rest = a.wrapping_sub(b).wrapping_sub(borrow.into()) & mask::<WIDTH>();
    flags.set_result::<WIDTH>(rest);
    flags.set_carries::<WIDTH>(!a & b | (!a | b) & rest);
    rest
}

/// Flags of a result that was made bit by bit. AF is undefined; it becomes 0.
#[inline(always)]
pub(crate) fn logic<const WIDTH: u32>(flags: &mut Flags, result: u32) -> u32 {
    flags.set_result::<WIDTH>(result);
    flags.set_carries::<WIDTH>(0);
    result
}

/// `a + 1`, or `a - 1`; CF stays.
#[inline(always)]
pub(crate) fn step<const WIDTH: u32>(flags: &mut Flags, a: u32, up: bool) -> u32 {
    let one = if up { 1 } else { u32::MAX };
    let result = a.wrapping_add(one) & mask::<WIDTH>();
    flags.set_result::<WIDTH>(result);
    let carries = if up {
        a & 1 | (a | 1) & !result
    } else {
        !a & 1 | (!a | 1) & result
    };
    flags.set_carries_but_carry::<WIDTH>(carries);
    result
}

impl Processor {
    /// Executes an instruction of this unit.
    #[inline(always)]
    pub(crate) fn arithmetic<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        if operation.mnemonic == Mnemonic::Cmpxchg8b {
            return self.compare_exchange_8(bus, operation);
        }
        with_width!(operation, self.arithmetic_of(bus, operation))
    }

    #[inline(always)]
    fn arithmetic_of<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        use Mnemonic::*;
        match operation.mnemonic {
            Inc => return self.modify::<W, B>(bus, operation, |f, a| step::<W>(f, a, true)),
            Dec => return self.modify::<W, B>(bus, operation, |f, a| step::<W>(f, a, false)),
            Neg => {
                return self.modify::<W, B>(bus, operation, |f, a| subtract::<W>(f, 0, a, false));
            }
            Not => return self.modify::<W, B>(bus, operation, |_, a| !a & mask::<W>()),
            Xadd => return self.exchange_add::<W, B>(bus, operation),
            Cmpxchg => return self.compare_exchange::<W, B>(bus, operation),
            _ => {}
        }
        let b = self.get::<W, B>(bus, operation, operation.from)?;
        match operation.mnemonic {
            Cmp | Test => {
                let a = self.get::<W, B>(bus, operation, operation.to)?;
                let flags = &mut self.registers.flags;
                if operation.mnemonic == Cmp {
                    subtract::<W>(flags, a, b, false);
                } else {
                    logic::<W>(flags, a & b);
                }
                Ok(())
            }
            Add => self.modify::<W, B>(bus, operation, |f, a| add::<W>(f, a, b, false)),
            Sub => self.modify::<W, B>(bus, operation, |f, a| subtract::<W>(f, a, b, false)),
            And => self.modify::<W, B>(bus, operation, |f, a| logic::<W>(f, a & b)),
            Or => self.modify::<W, B>(bus, operation, |f, a| logic::<W>(f, a | b)),
            Xor => self.modify::<W, B>(bus, operation, |f, a| logic::<W>(f, a ^ b)),
            Adc => self.modify::<W, B>(bus, operation, |f, a| {
                let carry = f.carry();
                add::<W>(f, a, b, carry)
            }),
            Sbb => self.modify::<W, B>(bus, operation, |f, a| {
                let borrow = f.carry();
                subtract::<W>(f, a, b, borrow)
            }),
            _ => Err(Trap::INVALID),
        }
    }

    /// `xadd`. If both operands are one register, it ends with the sum.
    fn exchange_add<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let Operand::Register(source) = operation.from else {
            return Err(Trap::INVALID);
        };
        let b = self.registers.get_part::<W>(source);
        let mut old = 0;
        let mut sum = 0;
        self.modify::<W, B>(bus, operation, |flags, a| {
            old = a;
            sum = add::<W>(flags, a, b, false);
            sum
        })?;
        self.registers.set_part::<W>(source, old);
        if let Operand::Register(destination) = operation.to {
            self.registers.set_part::<W>(destination, sum);
        }
        Ok(())
    }

    /// `cmpxchg`: the place is written in any case, if only with what it held.
    fn compare_exchange<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let accumulator = self.registers.get_part::<W>(EAX);
        let new = self.get::<W, B>(bus, operation, operation.from)?;
        let mut found = 0;
        self.modify::<W, B>(bus, operation, |flags, a| {
            found = a;
            subtract::<W>(flags, accumulator, a, false);
            if accumulator == a { new } else { a }
        })?;
        if found != accumulator {
            self.registers.set_part::<W>(EAX, found);
        }
        Ok(())
    }

    /// `cmpxchg8b`: edx:eax is compared, ecx:ebx stored. Only ZF changes.
    fn compare_exchange_8<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        bus.fence();
        let place = self.place_of(bus, operation, 8, Access::Write)?;
        let mut bytes = [0; 8];
        place.read_bytes(bus, &mut bytes);
        let found = u64::from_le_bytes(bytes);
        let pair = |high, low| {
            u64::from(self.registers.get(high)) << 32 | u64::from(self.registers.get(low))
        };
        let equal = found == pair(EDX, EAX);
        let new = if equal { pair(ECX, EBX) } else { found };
        place.write_bytes(bus, &new.to_le_bytes());
        bus.fence();
        if !equal {
            self.registers.set(EAX, found as u32);
            self.registers.set(EDX, (found >> 32) as u32);
        }
        self.registers.flags.set_zero(equal);
        Ok(())
    }
}
