//! Which unit of the interpreter executes which instruction.
//!
//! Decided once, when an instruction is decoded. The hard thing is `lock`: the
//! processor takes it on some instructions, and only in front of a memory operand
//! that they write (Intel SDM volume 2, LOCK); everywhere else it is an invalid
//! opcode.

use iced_x86::{Code, ConditionCode, Instruction, Mnemonic, OpKind};

/// A part of the interpreter, as a processor has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// `add` to `cmp`, `inc`, `neg`, `xadd`, `cmpxchg`.
    Arithmetic,
    /// Multiplication, division, decimal correction.
    Multiply,
    /// Shifts and rotates.
    Shift,
    /// Single bits, byte order.
    Bits,
    /// Moves between registers and memory.
    Move,
    /// Moves, jumps and sets on a condition.
    Condition,
    /// Push and pop.
    Stack,
    /// Jumps, calls, returns, loops.
    Jump,
    /// String instructions.
    String,
    /// Segment registers and descriptors.
    Segment,
    /// Flags, ports, interrupts, what the processor says of itself.
    System,
    /// x87, MMX and SSE.
    Float,
    /// None: an invalid opcode.
    Invalid,
}

impl Unit {
    /// The unit of an instruction.
    pub(crate) fn of(instruction: &Instruction) -> Unit {
        if instruction.has_lock_prefix() && !takes_lock(instruction) {
            return Unit::Invalid;
        }
        if instruction.condition_code() != ConditionCode::None {
            return Unit::of_condition(instruction);
        }
        match instruction.code() {
            // SSE has instructions of the same names.
            Code::Movsd_m32_m32 | Code::Cmpsd_m32_m32 => Unit::String,
            _ => Unit::of_mnemonic(instruction.mnemonic()),
        }
    }

    fn of_condition(instruction: &Instruction) -> Unit {
        use Mnemonic::*;
        match instruction.mnemonic() {
            Loope | Loopne => Unit::Jump,
            Fcmovb | Fcmove | Fcmovbe | Fcmovu | Fcmovnb | Fcmovne | Fcmovnbe | Fcmovnu => {
                Unit::Float
            }
            _ => Unit::Condition,
        }
    }

    fn of_mnemonic(mnemonic: Mnemonic) -> Unit {
        use Mnemonic::*;
        match mnemonic {
            Add | Or | Adc | Sbb | And | Sub | Xor | Cmp | Test | Inc | Dec | Neg | Not | Xadd
            | Cmpxchg | Cmpxchg8b => Unit::Arithmetic,
            Mul | Imul | Div | Idiv | Aaa | Aas | Daa | Das | Aam | Aad => Unit::Multiply,
            Rol | Ror | Rcl | Rcr | Shl | Sal | Shr | Sar | Shld | Shrd => Unit::Shift,
            Bt | Bts | Btr | Btc | Bsf | Bsr | Bswap => Unit::Bits,
            Lea | Movzx | Movsx | Xchg | Xlatb | Cbw | Cwde | Cwd | Cdq | Nop | Pause | Salc
            | Sahf | Lahf | Prefetchnta | Prefetcht0 | Prefetcht1 | Prefetcht2 | Lfence
            | Sfence | Mfence | Movnti | Endbr32 | Endbr64 | Reservednop => Unit::Move,
            Push | Pop | Pusha | Pushad | Popa | Popad | Pushf | Pushfd | Popf | Popfd | Enter
            | Leave => Unit::Stack,
            Call | Ret | Retf | Jmp | Iret | Iretd | Loop | Jcxz | Jecxz => Unit::Jump,
            Movsb | Movsw | Cmpsb | Cmpsw | Scasb | Scasw | Scasd | Lodsb | Lodsw | Lodsd
            | Stosb | Stosw | Stosd | Insb | Insw | Insd | Outsb | Outsw | Outsd => Unit::String,
            Lds | Les | Lfs | Lgs | Lss | Lar | Lsl | Verr | Verw | Arpl => Unit::Segment,
            Int | Int1 | Int3 | Into | Bound | In | Out | Clc | Stc | Cmc | Cld | Std | Cli
            | Sti | Hlt | Rdtsc | Rdpmc | Cpuid | Sysenter | Sysexit | Clts | Invd | Wbinvd
            | Invlpg | Lgdt | Lidt | Lldt | Ltr | Lmsw | Sgdt | Sidt | Sldt | Str | Smsw
            | Rdmsr | Wrmsr | Clflush => Unit::System,
            INVALID | Ud0 | Ud1 | Ud2 => Unit::Invalid,
            Mov => Unit::Move,
            _ => Unit::Float,
        }
    }

    /// Whether execution does not simply go on behind its instructions, so that a
    /// block of straight code ends there.
    pub(crate) fn ends_block(self) -> bool {
        matches!(self, Unit::Jump | Unit::System | Unit::Invalid)
    }
}

fn takes_lock(instruction: &Instruction) -> bool {
    use Mnemonic::*;
    let written = instruction.op0_kind() == OpKind::Memory
        || instruction.mnemonic() == Xchg && instruction.op1_kind() == OpKind::Memory;
    written
        && matches!(
            instruction.mnemonic(),
            Add | Or
                | Adc
                | Sbb
                | And
                | Sub
                | Xor
                | Inc
                | Dec
                | Neg
                | Not
                | Bts
                | Btr
                | Btc
                | Xchg
                | Xadd
                | Cmpxchg
                | Cmpxchg8b
        )
}
