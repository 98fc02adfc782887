//! Single bits, and the order of bytes.
//!
//! The hard thing is a bit number from a register with an operand in memory: the
//! number is signed and reaches far beyond the operand (Intel SDM volume 2, BT).
//! Flags that are undefined stay; those of a scan are those of its source.

use crate::arithmetic::logic;
use crate::bus::{Access, Bus};
use crate::decode::{Operand, Operation};
use crate::operand::{signed, with_width};
use crate::processor::Processor;
use crate::trap::Trap;
use iced_x86::Mnemonic;

impl Processor {
    /// Executes an instruction of this unit.
    pub(crate) fn bits<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        match operation.mnemonic {
            Mnemonic::Bswap => self.swap_bytes(operation),
            Mnemonic::Bsf | Mnemonic::Bsr => with_width!(operation, self.scan(bus, operation)),
            _ => with_width!(operation, self.test_bit(bus, operation)),
        }
    }

    /// `bswap`; with 16 bits it is undefined, and gives 0.
    fn swap_bytes(&mut self, operation: &Operation) -> Result<(), Trap> {
        let Operand::Register(number) = operation.to else {
            return Err(Trap::INVALID);
        };
        if operation.width == 16 {
            self.registers.set_part::<16>(number, 0);
        } else {
            let swapped = self.registers.get(number).swap_bytes();
            self.registers.set(number, swapped);
        }
        Ok(())
    }

    /// `bsf` and `bsr`. Without any bit the destination stays.
    fn scan<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let value = self.get::<W, B>(bus, operation, operation.from)?;
        logic::<W>(&mut self.registers.flags, value);
        let found = if operation.mnemonic == Mnemonic::Bsf {
            Some(value.trailing_zeros()).filter(|_| value != 0)
        } else {
            value.checked_ilog2()
        };
        match found {
            Some(index) => self.put::<W, B>(bus, operation, operation.to, index),
            None => Ok(()),
        }
    }

    fn test_bit<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let number = self.get::<W, B>(bus, operation, operation.from)?;
        let bit = 1 << (number % W);
        let change = |value: u32| match operation.mnemonic {
            Mnemonic::Bts => value | bit,
            Mnemonic::Btr => value & !bit,
            Mnemonic::Btc => value ^ bit,
            _ => value,
        };
        let old = if operation.to == Operand::Memory {
            let mut address = self.address(&operation.address);
            if let Operand::Register(_) = operation.from {
                // Whole operands up or down; the shift keeps the sign.
                let operands = signed::<W>(number) >> W.trailing_zeros();
                address = address.wrapping_add_signed(operands * (W as i32 / 8));
            }
            let address = address & operation.address.mask;
            let segment = operation.address.segment;
            if operation.mnemonic == Mnemonic::Bt {
                self.load::<W, B>(bus, segment, address)?
            } else {
                if operation.lock {
                    bus.fence();
                }
                let place = self.place(bus, segment, address, W / 8, Access::Write)?;
                let old = place.read::<W, B>(bus);
                place.write::<W, B>(bus, change(old));
                if operation.lock {
                    bus.fence();
                }
                old
            }
        } else {
            let old = self.get::<W, B>(bus, operation, operation.to)?;
            self.put::<W, B>(bus, operation, operation.to, change(old))?;
            old
        };
        self.registers.flags.set_carry(old & bit != 0);
        Ok(())
    }
}
