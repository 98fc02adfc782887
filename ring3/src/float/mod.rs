//! x87 and SSE: the registers, and which instruction goes where.
//!
//! All arithmetic is done on integers, never by the host's floating point, whose NaNs
//! differ from host to host. The hard thing is that no instruction may do half: what it
//! is gets decided first, without looking at any register, then what it reads and
//! writes in memory is found, and only then anything changes. The flags of an
//! unmasked SSE exception are the exception to that, as on the processor.
//!
//! Not implemented, so invalid: the transcendental x87 instructions (`fsin`, `fcos`,
//! `fsincos`, `fptan`, `fpatan`, `f2xm1`, `fyl2x`, `fyl2xp1`), the environments of
//! 16-bit code, `rcpps`, `rcpss`, `rsqrtps`, `rsqrtss`, `maskmovq`, `maskmovdqu`,
//! and all of SSE3 and later except `fisttp`.
//!
//! The addresses of the last x87 instruction and of its operand are not kept; they
//! read as 0.

mod arithmetic;
mod environment;
mod image;
mod number;
mod rounding;
mod sse;
mod stack;
#[cfg(test)]
mod tests;
mod x87;

use crate::bus::Bus;
use crate::decode::Operation;
use crate::processor::Processor;
use crate::trap::Trap;
use iced_x86::{Instruction, MemorySize};

/// x87 and SSE registers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fpu {
    /// The x87 control word.
    control: u16,
    /// The x87 status word, with the top of the stack.
    status: u16,
    /// Which of the x87 registers are not empty, a bit for each.
    valid: u8,
    /// The x87 registers, not counted from the top; 80 bits each.
    registers: [u128; 8],
    xmm: [u128; 8],
    mxcsr: u32,
}

impl Default for Fpu {
    /// As after a reset.
    fn default() -> Fpu {
        Fpu {
            control: 0x37f,
            status: 0,
            valid: 0,
            registers: [0; 8],
            xmm: [0; 8],
            mxcsr: 0x1f80,
        }
    }
}

impl Processor {
    /// Executes an x87, MMX or SSE instruction; an invalid-opcode exception if it is
    /// none, or is not implemented. The eip is still that of the instruction.
    pub fn float<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        if let Some(step) = x87::Step::new(operation) {
            self.require_fpu()?;
            return self.x87(bus, operation, step);
        }
        if let Some(step) = sse::Step::new(operation) {
            self.require_fpu()?;
            return self.sse(bus, operation, step);
        }
        Err(Trap::INVALID)
    }

    fn require_fpu(&self) -> Result<(), Trap> {
        if self.fpu_enabled {
            Ok(())
        } else {
            Err(Trap::NO_FPU)
        }
    }
}

/// The memory operand that the form of an operation has.
fn memory_size(operation: &Operation) -> MemorySize {
    let mut form = Instruction::default();
    form.set_code(operation.code);
    form.memory_size()
}
