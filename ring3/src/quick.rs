//! Short ways for the instructions that compilers emit most.
//!
//! Each unit executes all forms of its instructions, and finds out which one it has in
//! front of it every time. For the commonest forms, on whole words, that is decided once,
//! when the instruction is decoded ([`Way::of`]). The hard thing is that nothing may
//! differ: a short way does what the unit would, and the tests hold one against the other.

use crate::arithmetic::{add, logic, step, subtract};
use crate::bus::{Access, Bus};
use crate::decode::{Address, Operand, Operation};
use crate::flags::Flags;
use crate::processor::Processor;
use crate::shift::{left, right, right_signed};
use crate::trap::Trap;
use crate::unit::Unit;
use iced_x86::{Code, Mnemonic};

/// How an instruction is executed. Registers are general ones, by number; `memory` is
/// the operation's address, `immediate` its immediate value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By its unit.
    General,
    /// `register = register`.
    Copy(u8, u8),
    /// `register = immediate`.
    Set(u8),
    /// `register = memory`.
    Load(u8),
    /// `register = byte in memory`, with zeros above.
    LoadByte(u8),
    /// `memory = register`.
    Store(u8),
    /// `memory = immediate`.
    StoreImmediate,
    /// `byte in memory = byte register`.
    StoreByte(u8),
    /// `register = address` (`lea`).
    Address(u8),
    /// `register = register with register`.
    Compute(Compute, u8, u8),
    /// `register = register with immediate`.
    ComputeImmediate(Compute, u8),
    /// `register = register with memory`.
    ComputeLoad(Compute, u8),
    /// Flags of `memory with register`, which writes nothing.
    Examine(Compute, u8),
    /// Flags of `memory with immediate`, which writes nothing.
    ExamineImmediate(Compute),
    /// `memory = memory with register`.
    Modify(Compute, u8),
    /// `memory = memory with immediate`.
    ModifyImmediate(Compute),
    /// Flags of `byte register with byte register`, which writes nothing.
    ExamineByte(Compute, u8, u8),
    /// Flags of `byte register with immediate`, which writes nothing.
    ExamineByteImmediate(Compute, u8),
    /// Flags of `byte in memory with immediate`, which writes nothing.
    ExamineByteAt(Compute),
    /// `register = register shifted by immediate`, which is not 0.
    Shift(Shift, u8),
    /// A jump on a condition.
    JumpIf,
    /// A jump.
    Jump,
    /// A call.
    Call,
    /// A return that drops nothing else.
    Return,
    /// Pushes a register.
    Push(u8),
    /// Pushes the immediate value.
    PushImmediate,
    /// Pushes memory.
    PushLoad,
    /// Pops a register.
    Pop(u8),
}

/// What is made of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compute {
    Add,
    Or,
    And,
    Subtract,
    Xor,
    /// Flags of the difference.
    Compare,
    /// Flags of the bits in common.
    Test,
    /// 1 more; the second value is not used.
    Up,
    /// 1 less; the second value is not used.
    Down,
}

/// How a value is shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    Left,
    Right,
    RightSigned,
}

impl Compute {
    fn of(mnemonic: Mnemonic) -> Option<Compute> {
        Some(match mnemonic {
            Mnemonic::Add => Compute::Add,
            Mnemonic::Or => Compute::Or,
            Mnemonic::And => Compute::And,
            Mnemonic::Sub => Compute::Subtract,
            Mnemonic::Xor => Compute::Xor,
            Mnemonic::Cmp => Compute::Compare,
            Mnemonic::Test => Compute::Test,
            Mnemonic::Inc => Compute::Up,
            Mnemonic::Dec => Compute::Down,
            _ => return None,
        })
    }

    /// Whether its result is the first value.
    const fn only_examines(self) -> bool {
        matches!(self, Compute::Compare | Compute::Test)
    }

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

impl Way {
    /// The way of an instruction.
    pub(crate) fn of(operation: &Operation) -> Way {
        let way = match operation.unit {
            _ if operation.lock => None,
            Unit::Move => Way::of_move(operation),
            Unit::Arithmetic => Way::of_arithmetic(operation),
            Unit::Shift if operation.width == 32 => Way::of_shift(operation),
            Unit::Condition => Way::of_condition(operation),
            Unit::Jump => Way::of_jump(operation),
            Unit::Stack if operation.width == 32 => Way::of_stack(operation),
            _ => None,
        };
        way.unwrap_or(Way::General)
    }

    /// Whether it may write memory.
    pub(crate) const fn writes(self) -> bool {
        matches!(
            self,
            Way::General
                | Way::Store(_)
                | Way::StoreImmediate
                | Way::StoreByte(_)
                | Way::Modify(..)
                | Way::ModifyImmediate(_)
                | Way::Call
                | Way::Push(_)
                | Way::PushImmediate
                | Way::PushLoad
        )
    }

    fn of_move(operation: &Operation) -> Option<Way> {
        use Operand::{Immediate, Memory, Register};
        Some(match (operation.code, operation.to, operation.from) {
            (Code::Lea_r32_m, Register(to), _) => Way::Address(to),
            (Code::Movzx_r32_rm8, Register(to), Memory) => Way::LoadByte(to),
            (Code::Mov_rm8_r8, Memory, Register(from)) => Way::StoreByte(from),
            _ if operation.mnemonic != Mnemonic::Mov || operation.width != 32 => return None,
            (_, Register(to), Register(from)) => Way::Copy(to, from),
            (_, Register(to), Immediate) => Way::Set(to),
            (_, Register(to), Memory) => Way::Load(to),
            (_, Memory, Register(from)) => Way::Store(from),
            (_, Memory, Immediate) => Way::StoreImmediate,
            _ => return None,
        })
    }

    fn of_arithmetic(operation: &Operation) -> Option<Way> {
        use Operand::{Immediate, Memory, Register};
        let compute = Compute::of(operation.mnemonic)?;
        let examines = compute.only_examines();
        Some(match (operation.width, operation.to, operation.from) {
            (32, Register(to), Register(from)) => Way::Compute(compute, to, from),
            (32, Register(to), Immediate | Operand::None) => Way::ComputeImmediate(compute, to),
            (32, Register(to), Memory) => Way::ComputeLoad(compute, to),
            (32, Memory, Register(from)) if examines => Way::Examine(compute, from),
            (32, Memory, Immediate) if examines => Way::ExamineImmediate(compute),
            (32, Memory, Register(from)) => Way::Modify(compute, from),
            (32, Memory, Immediate | Operand::None) => Way::ModifyImmediate(compute),
            (8, Register(a), Register(b)) if examines => Way::ExamineByte(compute, a, b),
            (8, Register(a), Immediate) if examines => Way::ExamineByteImmediate(compute, a),
            (8, Memory, Immediate) if examines => Way::ExamineByteAt(compute),
            _ => return None,
        })
    }

    fn of_shift(operation: &Operation) -> Option<Way> {
        let shift = match operation.mnemonic {
            Mnemonic::Shl | Mnemonic::Sal => Shift::Left,
            Mnemonic::Shr => Shift::Right,
            Mnemonic::Sar => Shift::RightSigned,
            _ => return None,
        };
        match (operation.to, operation.from) {
            (Operand::Register(to), Operand::Immediate) if operation.immediate & 31 != 0 => {
                Some(Way::Shift(shift, to))
            }
            _ => None,
        }
    }

    fn of_condition(operation: &Operation) -> Option<Way> {
        let jumps = operation.to == Operand::Immediate && operation.width == 32;
        jumps.then_some(Way::JumpIf)
    }

    fn of_jump(operation: &Operation) -> Option<Way> {
        Some(match operation.code {
            Code::Jmp_rel8_32 | Code::Jmp_rel32_32 => Way::Jump,
            Code::Call_rel32_32 => Way::Call,
            Code::Retnd => Way::Return,
            _ => return None,
        })
    }

    fn of_stack(operation: &Operation) -> Option<Way> {
        Some(match (operation.mnemonic, operation.to) {
            (Mnemonic::Push, Operand::Register(from)) => Way::Push(from),
            (Mnemonic::Push, Operand::Immediate) => Way::PushImmediate,
            (Mnemonic::Push, Operand::Memory) => Way::PushLoad,
            (Mnemonic::Pop, Operand::Register(to)) => Way::Pop(to),
            _ => return None,
        })
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
