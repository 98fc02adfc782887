//! Jumps, calls, returns and loops.
//!
//! The hard thing are the far ones: in ring 3 they may only name ring 3's own code
//! segment, and everything else faults with the selector (Intel SDM volume 3, 5.8).
//! `iret` never leaves ring 3 either, and VM, IOPL and IF are not its to change.

use crate::bus::Bus;
use crate::decode::{Operand, Operation};
use crate::flags::NT;
use crate::operand::{mask, with_width};
use crate::processor::Processor;
use crate::registers::Segment;
use crate::registers::number::ECX;
use crate::trap::Trap;
use iced_x86::{Code, Mnemonic};

/// `iret` with NT set returns to a task, and there is none (#TS).
const INVALID_TASK: Trap = Trap::Exception {
    vector: 10,
    error: 0,
};

impl Processor {
    /// Goes to the target of a near branch; eip is behind the instruction.
    #[inline(always)]
    pub(crate) fn jump_by(&mut self, operation: &Operation) {
        let target = self.registers.eip.wrapping_add(operation.immediate);
        self.registers.eip = if operation.width == 16 {
            target & 0xffff
        } else {
            target
        };
    }

    /// Executes an instruction of this unit.
    #[inline(always)]
    pub(crate) fn jump<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        use Mnemonic::*;
        match operation.mnemonic {
            Call | Jmp if is_far(operation.code) => {
                with_width!(operation, self.jump_far(bus, operation))
            }
            Call | Jmp => with_width!(operation, self.jump_near(bus, operation)),
            Ret => with_width!(operation, self.return_near(bus, operation)),
            Retf | Iret | Iretd => with_width!(operation, self.return_far(bus, operation)),
            _ => self.loop_back(operation),
        }
    }

    #[inline(always)]
    fn jump_near<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let next = self.registers.eip;
        let target = match operation.to {
            Operand::Immediate => next.wrapping_add(operation.immediate) & mask::<W>(),
            operand => self.get::<W, B>(bus, operation, operand)?,
        };
        if operation.mnemonic == Mnemonic::Call {
            self.push::<W, B>(bus, next)?;
        }
        self.registers.eip = target;
        Ok(())
    }

    fn jump_far<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let (selector, target) = match operation.to {
            Operand::Immediate => (operation.second, operation.immediate & mask::<W>()),
            _ => {
                let address = self.address(&operation.address);
                let segment = operation.address.segment;
                let target = self.load::<W, B>(bus, segment, address)?;
                let selector = self.load::<16, B>(bus, segment, address.wrapping_add(W / 8))?;
                (selector as u16, target)
            }
        };
        let selector = self.code_selector(selector)?;
        if operation.mnemonic == Mnemonic::Call {
            let old = u32::from(self.registers.selector(Segment::Cs));
            let next = self.registers.eip;
            self.push_several::<W, B>(bus, &[old, next])?;
        }
        self.registers.selectors[Segment::Cs as usize] = selector;
        self.registers.eip = target;
        Ok(())
    }

    /// A selector that cs may be loaded with by a jump, with its level.
    fn code_selector(&self, selector: u16) -> Result<u16, Trap> {
        if selector & !3 == self.model.code {
            Ok(selector | 3)
        } else {
            Err(Trap::selector(selector))
        }
    }

    #[inline(always)]
    fn return_near<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let target = self.peek::<W, B>(bus, 0)?;
        self.drop_bytes(W / 8 + operation.immediate);
        self.registers.eip = target;
        Ok(())
    }

    /// `retf` and `iret`.
    fn return_far<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let with_flags = operation.mnemonic != Mnemonic::Retf;
        if with_flags && self.registers.flags.has(NT) {
            return Err(INVALID_TASK);
        }
        let target = self.peek::<W, B>(bus, 0)?;
        let selector = self.peek::<W, B>(bus, 1)? as u16;
        let flags = if with_flags {
            self.peek::<W, B>(bus, 2)?
        } else {
            0
        };
        // A return to a more privileged level is refused.
        if selector != self.model.code | 3 {
            return Err(Trap::selector(selector));
        }
        if with_flags {
            self.set_popped_flags::<W>(flags);
        }
        let words = if with_flags { 3 } else { 2 };
        self.drop_bytes(words * (W / 8) + operation.immediate);
        self.registers.selectors[Segment::Cs as usize] = selector;
        self.registers.eip = target;
        Ok(())
    }

    /// `loop` and `jecxz`; they change no flags.
    fn loop_back(&mut self, operation: &Operation) -> Result<(), Trap> {
        use Mnemonic::*;
        let zero = self.registers.flags.zero();
        let wide = operation.address_width == 32;
        let count = self.counter(wide);
        let jumps = match operation.mnemonic {
            Jcxz | Jecxz => count == 0,
            _ => {
                let left = count.wrapping_sub(1);
                self.set_counter(wide, left);
                self.counter(wide) != 0
                    && match operation.mnemonic {
                        Loope => zero,
                        Loopne => !zero,
                        _ => true,
                    }
            }
        };
        if jumps {
            self.jump_by(operation);
        }
        Ok(())
    }

    /// ecx, or cx where addresses have 16 bits.
    pub(crate) fn counter(&self, wide: bool) -> u32 {
        if wide {
            self.registers.get(ECX)
        } else {
            self.registers.get_part::<16>(ECX)
        }
    }

    /// Sets what [`Processor::counter`] reads.
    pub(crate) fn set_counter(&mut self, wide: bool, value: u32) {
        if wide {
            self.registers.set(ECX, value);
        } else {
            self.registers.set_part::<16>(ECX, value);
        }
    }
}

fn is_far(code: Code) -> bool {
    use Code::*;
    matches!(
        code,
        Call_ptr1616
            | Call_ptr1632
            | Call_m1616
            | Call_m1632
            | Jmp_ptr1616
            | Jmp_ptr1632
            | Jmp_m1616
            | Jmp_m1632
    )
}
