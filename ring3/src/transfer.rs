//! Moves: between registers and memory, and on a condition.
//!
//! The hard thing is `xchg` with memory, which is locked with or without a prefix.

use crate::bus::{Access, Bus};
use crate::decode::{Operand, Operation};
use crate::flags::{AF, CF, PF, SF, ZF};
use crate::operand::{mask, signed, with_width};
use crate::processor::Processor;
use crate::registers::number::{EAX, EBX, EDX};
use crate::trap::Trap;
use iced_x86::{ConditionCode, Mnemonic};

/// Number of `ah` among the byte registers.
const AH: u8 = 4;

impl Processor {
    /// Executes an instruction of this unit.
    #[inline(always)]
    pub(crate) fn transfer<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        use Mnemonic::*;
        match operation.mnemonic {
            Mov | Movnti => with_width!(operation, self.copy(bus, operation)),
            Lea => with_width!(operation, self.load_address(bus, operation)),
            Movzx | Movsx => with_width!(operation, self.extend(bus, operation)),
            _ => self.seldom_transfer(bus, operation),
        }
    }

    fn seldom_transfer<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        use Mnemonic::*;
        let registers = &mut self.registers;
        let eax = registers.get(EAX);
        match operation.mnemonic {
            Xchg => return with_width!(operation, self.exchange(bus, operation)),
            Xlatb => {
                let address = registers.get(EBX).wrapping_add(eax & 0xff);
                let address = address & operation.address.mask;
                let byte = self.load::<8, B>(bus, operation.address.segment, address)?;
                self.registers.set_part::<8>(EAX, byte);
            }
            Cbw => registers.set_part::<16>(EAX, signed::<8>(eax).cast_unsigned()),
            Cwde => registers.set(EAX, signed::<16>(eax).cast_unsigned()),
            Cwd => registers.set_part::<16>(EDX, (signed::<16>(eax) >> 16).cast_unsigned()),
            Cdq => registers.set(EDX, (signed::<32>(eax) >> 31).cast_unsigned()),
            Salc => registers.set_part::<8>(EAX, if registers.flags.carry() { 0xff } else { 0 }),
            Lahf => registers.set_part::<8>(AH, registers.flags.bits() & 0xff),
            Sahf => {
                let bits = registers.get_part::<8>(AH);
                registers.flags.replace(bits, CF | PF | AF | ZF | SF);
            }
            Mfence => bus.fence(),
            // `nop` in all its forms, `pause`, prefetches, marks, and fences that order nothing here.
            _ => {}
        }
        Ok(())
    }

    #[inline(always)]
    fn copy<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        match (operation.to, operation.from) {
            (Operand::Segment(_), _) | (_, Operand::Segment(_)) => {
                return self.move_segment(bus, operation);
            }
            (Operand::Privileged, _) | (_, Operand::Privileged) => return Err(Trap::PROTECTION),
            _ => {}
        }
        let value = self.get::<W, B>(bus, operation, operation.from)?;
        self.put::<W, B>(bus, operation, operation.to, value)
    }

    /// `lea`: any address, whatever its segment.
    fn load_address<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let address = self.address(&operation.address);
        self.put::<W, B>(bus, operation, operation.to, address & mask::<W>())
    }

    /// `movzx` and `movsx` from `W` bits.
    fn extend<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let value = self.get::<W, B>(bus, operation, operation.from)?;
        let value = if operation.mnemonic == Mnemonic::Movsx {
            signed::<W>(value).cast_unsigned()
        } else {
            value
        };
        let Operand::Register(number) = operation.to else {
            return Err(Trap::INVALID);
        };
        if operation.second == 16 {
            self.registers.set_part::<16>(number, value);
        } else {
            self.registers.set(number, value);
        }
        Ok(())
    }

    /// `xchg`. The decoder puts a memory operand first or second.
    fn exchange<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        match (operation.to, operation.from) {
            (Operand::Memory, Operand::Register(number))
            | (Operand::Register(number), Operand::Memory) => {
                bus.fence();
                let place = self.place_of(bus, operation, W / 8, Access::Write)?;
                let old = place.read::<W, B>(bus);
                place.write::<W, B>(bus, self.registers.get_part::<W>(number));
                bus.fence();
                self.registers.set_part::<W>(number, old);
            }
            (Operand::Register(a), Operand::Register(b)) => {
                let old = self.registers.get_part::<W>(a);
                let new = self.registers.get_part::<W>(b);
                self.registers.set_part::<W>(a, new);
                self.registers.set_part::<W>(b, old);
            }
            _ => return Err(Trap::INVALID),
        }
        Ok(())
    }

    /// Whether a condition holds now (Intel SDM volume 1, appendix B).
    #[inline(always)]
    pub(crate) fn holds(&self, condition: ConditionCode) -> bool {
        use ConditionCode::*;
        let flags = &self.registers.flags;
        match condition {
            o => flags.overflow(),
            no => !flags.overflow(),
            b => flags.carry(),
            ae => !flags.carry(),
            e => flags.zero(),
            ne => !flags.zero(),
            be => flags.carry() || flags.zero(),
            a => !flags.carry() && !flags.zero(),
            s => flags.sign(),
            ns => !flags.sign(),
            p => flags.parity(),
            np => !flags.parity(),
            l => flags.sign() != flags.overflow(),
            ge => flags.sign() == flags.overflow(),
            le => flags.zero() || flags.sign() != flags.overflow(),
            g => !flags.zero() && flags.sign() == flags.overflow(),
            None => true,
        }
    }

    /// Jumps, moves or sets on a condition. A move reads its source in any case.
    #[inline(always)]
    pub(crate) fn on_condition<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let holds = self.holds(operation.condition);
        match operation.to {
            Operand::Immediate => {
                if holds {
                    self.jump_by(operation);
                }
                Ok(())
            }
            _ if operation.from == Operand::None => {
                self.put::<8, B>(bus, operation, operation.to, holds.into())
            }
            _ => with_width!(operation, self.move_if(bus, operation, holds)),
        }
    }

    fn move_if<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        holds: bool,
    ) -> Result<(), Trap> {
        let value = self.get::<W, B>(bus, operation, operation.from)?;
        if holds {
            self.put::<W, B>(bus, operation, operation.to, value)?;
        }
        Ok(())
    }
}
