//! Instructions as the interpreter executes them.
//!
//! `iced-x86` decodes; this keeps of an instruction what execution needs, small and
//! ready to use: registers as numbers, the address as its parts. The hard thing is
//! what the decoder does not say in one place: which width an operation has, and
//! which segment its memory operand is in.

use crate::registers::Segment;
use crate::unit::Unit;
use crate::way::Way;
use iced_x86::{
    Code, ConditionCode, Decoder, DecoderError, DecoderOptions, Instruction, MemorySize, Mnemonic,
    OpKind, Register,
};

/// The longest instruction, in bytes.
pub const LONGEST: usize = 15;

/// Where a value comes from or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// There is none.
    None,
    /// A general register of the operation's width, by number.
    Register(u8),
    /// An SSE register, by number.
    Xmm(u8),
    /// An MMX register, by number.
    Mmx(u8),
    /// An x87 register, counted from the top of the stack.
    Stack(u8),
    /// A segment register.
    Segment(Segment),
    /// The memory at the operation's [`Address`].
    Memory,
    /// The operation's immediate value.
    Immediate,
    /// A control, debug or other register that ring 3 may not touch.
    Privileged,
}

/// The memory operand of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Number of the base register, if there is one.
    pub base: Option<u8>,
    /// Number of the index register, if there is one.
    pub index: Option<u8>,
    /// How far the index is shifted to the left.
    pub shift: u8,
    /// The segment that it is in.
    pub segment: Segment,
    /// Added to the rest.
    pub displacement: u32,
    /// What of the sum counts: 16 or 32 bits.
    pub mask: u32,
}

/// Whether a string instruction repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    No,
    /// While ecx is not 0, and for comparisons while equal.
    WhileEqual,
    /// While ecx is not 0, and for comparisons while not equal.
    WhileNotEqual,
}

/// One decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it does.
    pub mnemonic: Mnemonic,
    /// The unit that executes it.
    pub(crate) unit: Unit,
    /// The way that it takes there, or past it.
    pub(crate) way: Way,
    /// Whether it may write memory.
    pub(crate) writes: bool,
    /// Its exact form.
    pub code: Code,
    /// Its length in bytes.
    pub length: u8,
    /// Width of the general registers or the memory operand in bits: 8, 16 or 32.
    /// For a conversion, that of the source.
    pub width: u8,
    /// Width of what addresses are counted in, in bits: 16 or 32.
    pub address_width: u8,
    /// Whether it has the `lock` prefix.
    pub lock: bool,
    /// What a conditional jump, move or set asks for.
    pub condition: ConditionCode,
    /// Whether it repeats.
    pub repeat: Repeat,
    /// First operand, usually the destination.
    pub to: Operand,
    /// Second operand, usually the source.
    pub from: Operand,
    /// Third operand.
    pub third: Operand,
    /// The address of [`Operand::Memory`].
    pub address: Address,
    /// The immediate value, extended to 32 bits; for a near branch the distance
    /// from the next instruction.
    pub immediate: u32,
    /// A second immediate value: of `enter` the level, of a far branch the selector,
    /// of an extending move the width of the destination.
    pub second: u16,
}

/// The processor has no `tzcnt` and no `lzcnt`: their prefix is one that `bsf` and `bsr` ignore.
/// Compilers write `rep bsf` where either will do.
const WITHOUT_COUNTS: u32 = DecoderOptions::NO_MPFX_0FBC | DecoderOptions::NO_MPFX_0FBD;

/// Decodes the instruction that `bytes` begin with. `None` if they are too few. An
/// instruction that does not exist has the mnemonic `INVALID`.
pub fn decode(bytes: &[u8]) -> Option<Operation> {
    let mut decoder = Decoder::new(32, bytes, WITHOUT_COUNTS);
    let instruction = decoder.decode();
    let operation = Operation::new(&instruction);
    if !instruction.is_invalid() {
        return Some(operation);
    }
    if bytes.len() < LONGEST {
        return (decoder.last_error() != DecoderError::NoMoreBytes).then_some(operation);
    }
    // Too long is not an invalid opcode, but a protection fault. The decoder takes
    // one for the other, but with a byte less it asks for more.
    let unit = match decode(&bytes[..LONGEST - 1]) {
        Some(_) => Unit::Invalid,
        None => Unit::System,
    };
    Some(Operation { unit, ..operation })
}

impl Operation {
    /// Whether it is `mov` or `pop` to ss.
    pub(crate) fn puts_traps_off(&self) -> bool {
        let loads = matches!(self.mnemonic, Mnemonic::Mov | Mnemonic::Pop);
        loads && self.to == Operand::Segment(Segment::Ss)
    }

    /// Whether a block of straight code ends with it. `popf` may set TF, and then
    /// the next instruction is a step.
    pub(crate) fn ends_block(&self) -> bool {
        self.unit.ends_block() || matches!(self.mnemonic, Mnemonic::Popf | Mnemonic::Popfd)
    }

    fn new(instruction: &Instruction) -> Operation {
        let operand = |index: u32| {
            if index < instruction.op_count() {
                Operand::new(instruction, index)
            } else {
                Operand::None
            }
        };
        let branch = is_near_branch(instruction);
        let immediate = if branch {
            (instruction.near_branch_target() as u32).wrapping_sub(instruction.len() as u32)
        } else {
            immediate(instruction)
        };
        let repeat = match (
            instruction.has_repe_prefix(),
            instruction.has_repne_prefix(),
        ) {
            (_, true) => Repeat::WhileNotEqual,
            (true, false) => Repeat::WhileEqual,
            (false, false) => Repeat::No,
        };
        let mut operation = Operation {
            mnemonic: instruction.mnemonic(),
            unit: Unit::of(instruction),
            way: Way::General,
            writes: true,
            code: instruction.code(),
            length: instruction.len() as u8,
            width: width(instruction),
            address_width: address_width(instruction),
            lock: instruction.has_lock_prefix(),
            condition: instruction.condition_code(),
            repeat,
            to: operand(0),
            from: operand(1),
            third: operand(2),
            address: Address::new(instruction),
            immediate,
            second: second(instruction),
        };
        operation.way = Way::of(&operation);
        operation.writes = operation.way.writes();
        operation
    }
}

impl Operand {
    fn new(instruction: &Instruction, index: u32) -> Operand {
        match instruction.op_kind(index) {
            OpKind::Register => Operand::register(instruction.op_register(index)),
            OpKind::Memory => Operand::Memory,
            OpKind::Immediate8
            | OpKind::Immediate8_2nd
            | OpKind::Immediate16
            | OpKind::Immediate32
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32
            | OpKind::NearBranch16
            | OpKind::NearBranch32
            | OpKind::FarBranch16
            | OpKind::FarBranch32 => Operand::Immediate,
            _ => Operand::None,
        }
    }

    fn register(register: Register) -> Operand {
        let number = register.number() as u8;
        if register.is_gpr() {
            Operand::Register(number)
        } else if register.is_xmm() {
            Operand::Xmm(number)
        } else if register.is_mm() {
            Operand::Mmx(number)
        } else if register.is_st() {
            Operand::Stack(number)
        } else if register.is_segment_register() {
            Operand::Segment(segment(register))
        } else {
            Operand::Privileged
        }
    }
}

impl Address {
    fn new(instruction: &Instruction) -> Address {
        let number =
            |register: Register| (register != Register::None).then(|| register.number() as u8);
        let (base, index) = (instruction.memory_base(), instruction.memory_index());
        let short = [base, index].iter().any(|register| register.is_gpr16())
            || instruction.memory_displ_size() == 2;
        Address {
            base: number(base),
            index: number(index),
            shift: instruction.memory_index_scale().trailing_zeros() as u8,
            segment: segment(instruction.memory_segment()),
            displacement: instruction.memory_displacement32(),
            mask: if short { 0xffff } else { u32::MAX },
        }
    }
}

fn segment(register: Register) -> Segment {
    match register {
        Register::ES => Segment::Es,
        Register::CS => Segment::Cs,
        Register::SS => Segment::Ss,
        Register::FS => Segment::Fs,
        Register::GS => Segment::Gs,
        _ => Segment::Ds,
    }
}

fn is_near_branch(instruction: &Instruction) -> bool {
    instruction.op_count() == 1
        && matches!(
            instruction.op0_kind(),
            OpKind::NearBranch16 | OpKind::NearBranch32
        )
}

fn immediate(instruction: &Instruction) -> u32 {
    for index in 0..instruction.op_count() {
        match instruction.op_kind(index) {
            OpKind::Immediate8 => return instruction.immediate8().into(),
            OpKind::Immediate16 => return instruction.immediate16().into(),
            OpKind::Immediate32 => return instruction.immediate32(),
            OpKind::Immediate8to16 => return instruction.immediate8to16() as u32,
            OpKind::Immediate8to32 => return instruction.immediate8to32() as u32,
            OpKind::FarBranch16 => return instruction.far_branch16().into(),
            OpKind::FarBranch32 => return instruction.far_branch32(),
            _ => {}
        }
    }
    0
}

fn second(instruction: &Instruction) -> u16 {
    match instruction.mnemonic() {
        Mnemonic::Enter => instruction.immediate8_2nd().into(),
        Mnemonic::Movzx | Mnemonic::Movsx => instruction.op0_register().size() as u16 * 8,
        _ => instruction.far_branch_selector(),
    }
}

/// The width of a general operation: that of its memory operand if its size tells,
/// else of its last register or, without any, of what the form says.
fn width(instruction: &Instruction) -> u8 {
    if instruction.op0_kind() == OpKind::NearBranch16 {
        return 16;
    }
    let of_register = |register: Register| match register.size() {
        size @ (1 | 2 | 4) if register.is_gpr() => Some(size as u8 * 8),
        _ => None,
    };
    let of_memory = match instruction.memory_size() {
        // Two things in memory: the width is that of the first.
        MemorySize::SegPtr16 | MemorySize::Bound16_WordWord => Some(16),
        MemorySize::SegPtr32 | MemorySize::Bound32_DwordDword => Some(32),
        size => match size.size() {
            size @ (1 | 2 | 4) => Some(size as u8 * 8),
            _ => None,
        },
    };
    let registers = (0..instruction.op_count())
        .filter(|&index| instruction.op_kind(index) == OpKind::Register)
        .map(|index| instruction.op_register(index));
    let of_registers = match instruction.mnemonic() {
        // The count is in cl; the width is that of the first.
        Mnemonic::Rol
        | Mnemonic::Ror
        | Mnemonic::Rcl
        | Mnemonic::Rcr
        | Mnemonic::Shl
        | Mnemonic::Sal
        | Mnemonic::Shr
        | Mnemonic::Sar
        | Mnemonic::Shld
        | Mnemonic::Shrd
        | Mnemonic::Out => registers.clone().find_map(of_register),
        Mnemonic::In => of_register(instruction.op0_register()),
        _ => registers.filter_map(of_register).next_back(),
    };
    match instruction.mnemonic() {
        Mnemonic::Out => of_register(instruction.op1_register()).unwrap_or(32),
        Mnemonic::In => of_registers.unwrap_or(32),
        _ => of_memory
            .filter(|_| instruction.op_count() > 0)
            .or(of_registers)
            .unwrap_or_else(|| width_of_form(instruction.code())),
    }
}

fn width_of_form(code: Code) -> u8 {
    use Code::*;
    match code {
        Pushaw | Popaw | Pushfw | Popfw | Retnw | Retnw_imm16 | Retfw | Retfw_imm16 | Leavew
        | Enterw_imm16_imm8 | Iretw | Pushw_imm8 | Push_imm16 | Pushw_ES | Pushw_CS | Pushw_SS
        | Pushw_DS | Pushw_FS | Pushw_GS | Popw_ES | Popw_SS | Popw_DS | Popw_FS | Popw_GS
        | Call_ptr1616 | Call_m1616 | Jmp_ptr1616 | Jmp_m1616 => 16,
        _ => 32,
    }
}

fn address_width(instruction: &Instruction) -> u8 {
    use OpKind::*;
    let short = (0..instruction.op_count()).any(|index| {
        matches!(
            instruction.op_kind(index),
            MemorySegSI | MemorySegDI | MemoryESDI
        )
    });
    use Code::*;
    let counts_in_cx = matches!(
        instruction.code(),
        Loop_rel8_16_CX
            | Loop_rel8_32_CX
            | Loope_rel8_16_CX
            | Loope_rel8_32_CX
            | Loopne_rel8_16_CX
            | Loopne_rel8_32_CX
            | Jcxz_rel8_16
            | Jcxz_rel8_32
    );
    if short || counts_in_cx { 16 } else { 32 }
}
