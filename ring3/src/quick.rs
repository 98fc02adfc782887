//! Short ways for the instructions that compilers emit most.
//!
//! Each unit executes all forms of its instructions, and finds out which one it has in
//! front of it every time. For the commonest forms that was decided when
//! the instruction was decoded ([`Way`]). The hard thing is that nothing may differ: a
//! short way does what the unit would, and the tests hold one against the other.

use crate::arithmetic::{add, logic, step, subtract};
use crate::bus::{Access, Bus};
use crate::decode::{Address, Operation};
use crate::flags::Flags;
use crate::processor::Processor;
use crate::shift::{left, right, right_signed};
use crate::trap::Trap;
use crate::way::{Compute, Shift, Way};

impl Compute {
    #[inline(always)]
    fn apply<const W: u32>(self, flags: &mut Flags, a: u32, b: u32) -> u32 {
        match self {
            Compute::Add => add::<W>(flags, a, b, false),
            Compute::Or => logic::<W>(flags, a | b),
            Compute::And => logic::<W>(flags, a & b),
            Compute::Subtract => subtract::<W>(flags, a, b, false),
            Compute::Xor => logic::<W>(flags, a ^ b),
            Compute::Compare => {
                subtract::<W>(flags, a, b, false);
                a
            }
            Compute::Test => {
                logic::<W>(flags, a & b);
                a
            }
            Compute::Up => step::<W>(flags, a, true),
            Compute::Down => step::<W>(flags, a, false),
        }
    }
}

impl Shift {
    #[inline(always)]
    fn apply(self, flags: &mut Flags, a: u32, count: u32) -> u32 {
        match self {
            Shift::Left => left::<32>(flags, a, count),
            Shift::Right => right::<32>(flags, a, count),
            Shift::RightSigned => right_signed::<32>(flags, a, count),
        }
    }
}

impl Processor {
    /// Executes an instruction that has a short way; `next` is the address behind it.
    /// Returns where execution goes on. Neither reads nor changes eip.
    #[inline(always)]
    pub(crate) fn quick<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        next: u32,
    ) -> Result<u32, Trap> {
        let immediate = operation.immediate;
        match operation.way {
            Way::General => {}
            Way::Copy(to, from) => self.registers.set(to, self.registers.get(from)),
            Way::Set(to) => self.registers.set(to, immediate),
            Way::Address(to) => self.registers.set(to, self.address(&operation.address)),
            Way::Load(to) => self.registers.set(to, self.word(bus, operation)?),
            Way::LoadByte(to) => self.registers.set(to, self.byte(bus, operation)?),
            Way::Store(from) => self.store_word(bus, operation, self.registers.get(from))?,
            Way::StoreImmediate => self.store_word(bus, operation, immediate)?,
            Way::StoreByte(from) => {
                let Address { segment, .. } = operation.address;
                let byte = self.registers.get_part::<8>(from);
                self.store::<8, B>(bus, segment, self.address(&operation.address), byte)?;
            }
            Way::Compute(compute, to, from) => {
                self.compute(compute, to, self.registers.get(from));
            }
            Way::ComputeImmediate(compute, to) => self.compute(compute, to, immediate),
            Way::ComputeLoad(compute, to) => self.compute(compute, to, self.word(bus, operation)?),
            Way::Examine(compute, from) => {
                let a = self.word(bus, operation)?;
                self.examine::<32>(compute, a, self.registers.get(from));
            }
            Way::ExamineImmediate(compute) => {
                self.examine::<32>(compute, self.word(bus, operation)?, immediate);
            }
            Way::ExamineByte(compute, a, b) => {
                let [a, b] = [a, b].map(|number| self.registers.get_part::<8>(number));
                self.examine::<8>(compute, a, b);
            }
            Way::ExamineByteImmediate(compute, a) => {
                self.examine::<8>(compute, self.registers.get_part::<8>(a), immediate);
            }
            Way::ExamineByteAt(compute) => {
                self.examine::<8>(compute, self.byte(bus, operation)?, immediate);
            }
            Way::Modify(compute, from) => {
                self.modify_word(bus, operation, compute, self.registers.get(from))?;
            }
            Way::ModifyImmediate(compute) => {
                self.modify_word(bus, operation, compute, immediate)?;
            }
            Way::Shift(shift, to) => {
                let a = self.registers.get(to);
                let shifted = shift.apply(&mut self.registers.flags, a, immediate & 31);
                self.registers.set(to, shifted);
            }
            Way::Push(from) => self.push::<32, B>(bus, self.registers.get(from))?,
            Way::PushImmediate => self.push::<32, B>(bus, immediate)?,
            Way::PushLoad => {
                let value = self.word(bus, operation)?;
                self.push::<32, B>(bus, value)?;
            }
            Way::Pop(to) => {
                let value = self.pop(bus)?;
                self.registers.set(to, value);
            }
            Way::JumpIf if !self.holds(operation.condition) => {}
            Way::Jump | Way::JumpIf => return Ok(next.wrapping_add(immediate)),
            Way::Call => {
                self.push::<32, B>(bus, next)?;
                return Ok(next.wrapping_add(immediate));
            }
            Way::Return => return self.pop(bus),
        }
        Ok(next)
    }

    #[inline(always)]
    fn compute(&mut self, compute: Compute, to: u8, b: u32) {
        let a = self.registers.get(to);
        let result = compute.apply::<32>(&mut self.registers.flags, a, b);
        self.registers.set(to, result);
    }

    #[inline(always)]
    fn examine<const W: u32>(&mut self, compute: Compute, a: u32, b: u32) {
        compute.apply::<W>(&mut self.registers.flags, a, b);
    }

    /// The word at the operation's address.
    #[inline(always)]
    fn word<B: Bus>(&self, bus: &mut B, operation: &Operation) -> Result<u32, Trap> {
        let address = &operation.address;
        self.load::<32, B>(bus, address.segment, self.address(address))
    }

    /// The byte at the operation's address.
    #[inline(always)]
    fn byte<B: Bus>(&self, bus: &mut B, operation: &Operation) -> Result<u32, Trap> {
        let address = &operation.address;
        self.load::<8, B>(bus, address.segment, self.address(address))
    }

    #[inline(always)]
    fn store_word<B: Bus>(
        &self,
        bus: &mut B,
        operation: &Operation,
        value: u32,
    ) -> Result<(), Trap> {
        let address = &operation.address;
        self.store::<32, B>(bus, address.segment, self.address(address), value)
    }

    #[inline(always)]
    fn modify_word<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        compute: Compute,
        b: u32,
    ) -> Result<(), Trap> {
        let place = self.place_of(bus, operation, 4, Access::Write)?;
        let a = place.read::<32, B>(bus);
        let result = compute.apply::<32>(&mut self.registers.flags, a, b);
        place.write::<32, B>(bus, result);
        Ok(())
    }

    #[inline(always)]
    fn pop<B: Bus>(&mut self, bus: &mut B) -> Result<u32, Trap> {
        let value = self.peek::<32, B>(bus, 0)?;
        self.drop_bytes(4);
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
