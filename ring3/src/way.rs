//! Which way an instruction takes through the interpreter.
//!
//! Decided once, when it is decoded: compilers emit few forms most of the time, and those
//! have short ways (`quick.rs`). The hard thing is to take none for short that is not:
//! prefixes, widths and odd operands hide in one decoded instruction.

use crate::decode::{Operand, Operation};
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
