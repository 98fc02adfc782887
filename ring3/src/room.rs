//! Which part of the interpreter executes which instruction.
//!
//! Decided once, when an instruction is decoded. The hard thing is `lock`: the
//! processor takes it on some instructions, and only in front of a memory operand
//! that they write (Intel SDM volume 2, LOCK); everywhere else it is an invalid
//! opcode.

use iced_x86::{Code, ConditionCode, Instruction, Mnemonic, OpKind};

/// A part of the interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
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

impl Room {
    /// The room of an instruction.
    pub(crate) fn of(instruction: &Instruction) -> Room {
        if instruction.has_lock_prefix() && !takes_lock(instruction) {
            return Room::Invalid;
        }
        if instruction.condition_code() != ConditionCode::None {
            return Room::of_condition(instruction);
        }
        Room::of_mnemonic(instruction.mnemonic())
    }

    fn of_condition(instruction: &Instruction) -> Room {
        use Mnemonic::*;
        match instruction.mnemonic() {
            Loope | Loopne => Room::Jump,
            Fcmovb | Fcmove | Fcmovbe | Fcmovu | Fcmovnb | Fcmovne | Fcmovnbe | Fcmovnu => {
                Room::Float
            }
            _ => Room::Condition,
        }
    }

    fn of_mnemonic(mnemonic: Mnemonic) -> Room {
        use Mnemonic::*;
        match mnemonic {
            Add | Or | Adc | Sbb | And | Sub | Xor | Cmp | Test | Inc | Dec | Neg | Not | Xadd
            | Cmpxchg | Cmpxchg8b => Room::Arithmetic,
            Mul | Imul | Div | Idiv | Aaa | Aas | Daa | Das | Aam | Aad => Room::Multiply,
            Rol | Ror | Rcl | Rcr | Shl | Sal | Shr | Sar | Shld | Shrd => Room::Shift,
            Bt | Bts | Btr | Btc | Bsf | Bsr | Bswap => Room::Bits,
            Lea | Movzx | Movsx | Xchg | Xlatb | Cbw | Cwde | Cwd | Cdq | Nop | Pause | Salc
            | Sahf | Lahf | Prefetchnta | Prefetcht0 | Prefetcht1 | Prefetcht2 | Lfence
            | Sfence | Mfence | Movnti | Endbr32 | Endbr64 | Reservednop => Room::Move,
            Push | Pop | Pusha | Pushad | Popa | Popad | Pushf | Pushfd | Popf | Popfd | Enter
            | Leave => Room::Stack,
            Call | Ret | Retf | Jmp | Iret | Iretd | Loop | Jcxz | Jecxz => Room::Jump,
            Movsb | Movsw | Movsd | Cmpsb | Cmpsw | Cmpsd | Scasb | Scasw | Scasd | Lodsb
            | Lodsw | Lodsd | Stosb | Stosw | Stosd | Insb | Insw | Insd | Outsb | Outsw
            | Outsd => Room::String,
            Lds | Les | Lfs | Lgs | Lss | Lar | Lsl | Verr | Verw | Arpl => Room::Segment,
            Int | Int1 | Int3 | Into | Bound | In | Out | Clc | Stc | Cmc | Cld | Std | Cli
            | Sti | Hlt | Rdtsc | Rdpmc | Cpuid | Sysenter | Sysexit | Clts | Invd | Wbinvd
            | Invlpg | Lgdt | Lidt | Lldt | Ltr | Lmsw | Sgdt | Sidt | Sldt | Str | Smsw
            | Rdmsr | Wrmsr | Clflush => Room::System,
            INVALID | Ud0 | Ud1 | Ud2 => Room::Invalid,
            Mov => Room::Move,
            _ => Room::Float,
        }
    }

    /// Whether execution does not simply go on behind its instructions, so that a
    /// block of straight code ends there.
    pub(crate) fn ends_block(self) -> bool {
        matches!(self, Room::Jump | Room::System | Room::Invalid)
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

/// Whether a `movsd` or `cmpsd` is the string instruction, not that of SSE.
pub(crate) fn is_string(code: Code) -> bool {
    matches!(code, Code::Movsd_m32_m32 | Code::Cmpsd_m32_m32)
}
