//! Operands of general instructions, in registers or in memory.
//!
//! The hard thing is [`Processor::modify`]: a place that is read and then written is
//! found once, for writing, so that the instruction faults before it has an effect.

use crate::bus::{Access, Bus};
use crate::decode::{Operand, Operation};
use crate::flags::Flags;
use crate::processor::Processor;
use crate::trap::Trap;

/// Calls a method that is generic over the width, with that of an operation.
macro_rules! with_width {
    ($operation:expr, $processor:ident.$method:ident($($argument:expr),*)) => {
        match $operation.width {
            8 => $processor.$method::<8, B>($($argument),*),
            16 => $processor.$method::<16, B>($($argument),*),
            _ => $processor.$method::<32, B>($($argument),*),
        }
    };
}
pub(crate) use with_width;

/// The bits of a value of `WIDTH` bits.
pub(crate) const fn mask<const WIDTH: u32>() -> u32 {
    u32::MAX >> (32 - WIDTH)
}

/// A value of `WIDTH` bits, extended by its sign.
pub(crate) const fn signed<const WIDTH: u32>(value: u32) -> i32 {
    (value << (32 - WIDTH)).cast_signed() >> (32 - WIDTH)
}

impl Processor {
    /// The value of an operand.
    #[inline(always)]
    pub(crate) fn get<const WIDTH: u32, B: Bus>(
        &self,
        bus: &mut B,
        operation: &Operation,
        operand: Operand,
    ) -> Result<u32, Trap> {
        match operand {
            Operand::Register(number) => Ok(self.registers.get_part::<WIDTH>(number)),
            Operand::Immediate => Ok(operation.immediate & mask::<WIDTH>()),
            Operand::Memory => {
                let address = &operation.address;
                self.load::<WIDTH, B>(bus, address.segment, self.address(address))
            }
            _ => Err(Trap::INVALID),
        }
    }

    /// Sets an operand.
    #[inline(always)]
    pub(crate) fn put<const WIDTH: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        operand: Operand,
        value: u32,
    ) -> Result<(), Trap> {
        match operand {
            Operand::Register(number) => {
                self.registers.set_part::<WIDTH>(number, value);
                Ok(())
            }
            Operand::Memory => {
                let address = &operation.address;
                self.store::<WIDTH, B>(bus, address.segment, self.address(address), value)
            }
            _ => Err(Trap::INVALID),
        }
    }

    /// Replaces the first operand by what `change` makes of it and the flags.
    #[inline(always)]
    pub(crate) fn modify<const WIDTH: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        change: impl FnOnce(&mut Flags, u32) -> u32,
    ) -> Result<(), Trap> {
        match operation.to {
            Operand::Register(number) => {
                let old = self.registers.get_part::<WIDTH>(number);
                let new = change(&mut self.registers.flags, old);
                self.registers.set_part::<WIDTH>(number, new);
            }
            Operand::Memory => {
                if operation.lock {
                    bus.fence();
                }
                let place = self.place_of(bus, operation, WIDTH / 8, Access::Write)?;
                let old = place.read::<WIDTH, B>(bus);
                let new = change(&mut self.registers.flags, old);
                place.write::<WIDTH, B>(bus, new);
                if operation.lock {
                    bus.fence();
                }
            }
            _ => return Err(Trap::INVALID),
        }
        Ok(())
    }
}
