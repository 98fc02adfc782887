//! Segment registers, and what may be asked of descriptors.
//!
//! There are two descriptors that ring 3 may use, one for code and one for data,
//! both flat. The hard thing is what a register may hold beside them: any null
//! selector, except ss; a use of that faults, not the load (Intel SDM volume 3,
//! 5.4.1).

use crate::bus::Bus;
use crate::decode::{Operand, Operation};
use crate::operand::with_width;
use crate::processor::{Processor, Reach};
use crate::registers::Segment;
use crate::trap::Trap;
use iced_x86::{Code, Mnemonic};

/// Access rights of the code segment, as `lar` gives them: flat, ring 3, accessed.
const CODE_RIGHTS: u32 = 0x00cf_fb00 & RIGHTS;
/// As [`CODE_RIGHTS`], of the data segment.
const DATA_RIGHTS: u32 = 0x00cf_f300 & RIGHTS;
/// What `lar` gives of a descriptor's upper word.
const RIGHTS: u32 = 0x00f0_ff00;

impl Processor {
    /// Loads a segment register other than cs.
    pub(crate) fn load_segment(&mut self, segment: Segment, selector: u16) -> Result<(), Trap> {
        let reach = self.model.reaches(selector);
        let allowed = match segment {
            Segment::Ss => reach == Some(Reach::Write) && selector & 3 == 3,
            _ => selector < 4 || reach.is_some(),
        };
        if !allowed {
            return Err(Trap::selector(selector));
        }
        self.registers.selectors[segment as usize] = selector;
        Ok(())
    }

    /// `mov` from or to a segment register.
    pub(crate) fn move_segment<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        if let Operand::Segment(segment) = operation.to {
            let selector = self.get::<16, B>(bus, operation, operation.from)?;
            return self.load_segment(segment, selector as u16);
        }
        let Operand::Segment(segment) = operation.from else {
            return Err(Trap::INVALID);
        };
        let selector = self.registers.selector(segment).into();
        match operation.to {
            Operand::Register(number) if operation.code != Code::Mov_rm16_Sreg => {
                self.registers.set(number, selector);
                Ok(())
            }
            to => self.put::<16, B>(bus, operation, to, selector),
        }
    }

    /// Executes an instruction of this unit.
    pub(crate) fn segment<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        use Mnemonic::*;
        match operation.mnemonic {
            Lds => with_width!(operation, self.load_far(bus, operation, Segment::Ds)),
            Les => with_width!(operation, self.load_far(bus, operation, Segment::Es)),
            Lfs => with_width!(operation, self.load_far(bus, operation, Segment::Fs)),
            Lgs => with_width!(operation, self.load_far(bus, operation, Segment::Gs)),
            Lss => with_width!(operation, self.load_far(bus, operation, Segment::Ss)),
            Arpl => self.adjust_level(bus, operation),
            Verr | Verw => {
                let selector = self.get::<16, B>(bus, operation, operation.to)?;
                let reach = self.model.reaches(selector as u16);
                let allowed = match operation.mnemonic {
                    Verr => reach.is_some(),
                    _ => reach == Some(Reach::Write),
                };
                self.registers.flags.set_zero(allowed);
                Ok(())
            }
            _ => self.describe(bus, operation),
        }
    }

    /// `lds` and its brothers: a selector behind an offset.
    fn load_far<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        segment: Segment,
    ) -> Result<(), Trap> {
        let address = self.address(&operation.address);
        let within = operation.address.segment;
        let offset = self.load::<W, B>(bus, within, address)?;
        let selector = self.load::<16, B>(bus, within, address.wrapping_add(W / 8))?;
        self.load_segment(segment, selector as u16)?;
        self.put::<W, B>(bus, operation, operation.to, offset)
    }

    /// `arpl`: raises the requested level of a selector to that of another.
    fn adjust_level<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        let level = self.get::<16, B>(bus, operation, operation.from)? & 3;
        let mut raised = false;
        self.modify::<16, B>(bus, operation, |_, selector| {
            raised = selector & 3 < level;
            if raised {
                selector & !3 | level
            } else {
                selector
            }
        })?;
        self.registers.flags.set_zero(raised);
        Ok(())
    }

    /// `lar` and `lsl`.
    fn describe<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        let selector = self.get::<16, B>(bus, operation, operation.from)?;
        let rights = match self.model.reaches(selector as u16) {
            Some(Reach::Write) => DATA_RIGHTS,
            Some(Reach::Read) => CODE_RIGHTS,
            None => {
                self.registers.flags.set_zero(false);
                return Ok(());
            }
        };
        let value = match operation.mnemonic {
            Mnemonic::Lar => rights,
            _ => u32::MAX,
        };
        self.registers.flags.set_zero(true);
        let Operand::Register(number) = operation.to else {
            return Err(Trap::INVALID);
        };
        match operation.code {
            Code::Lar_r16_rm16 | Code::Lsl_r16_rm16 => {
                self.registers.set_part::<16>(number, value);
            }
            _ => self.registers.set(number, value),
        }
        Ok(())
    }
}
