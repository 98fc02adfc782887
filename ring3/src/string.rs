//! String instructions, one element at a time.
//!
//! The hard thing is repetition: registers always tell how far it got, so that a
//! fault or an interrupt in the middle leaves an instruction that goes on when it is
//! executed again (Intel SDM volume 2, REP). So each element is one step here.

use crate::arithmetic::subtract;
use crate::bus::{Access, Bus};
use crate::decode::{Operation, Repeat};
use crate::flags::DF;
use crate::operand::with_width;
use crate::processor::Processor;
use crate::registers::Segment;
use crate::registers::number::{EAX, EDI, EDX, ESI};
use crate::trap::Trap;
use iced_x86::Mnemonic;

impl Processor {
    /// Executes one element. If more follow, eip is at the instruction again.
    pub(crate) fn string<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let wide = operation.address_width == 32;
        if operation.repeat == Repeat::No {
            return with_width!(operation, self.element(bus, operation));
        }
        let left = self.counter(wide);
        if left == 0 {
            return Ok(());
        }
        with_width!(operation, self.element(bus, operation))?;
        self.set_counter(wide, left - 1);
        let compares = is_comparison(operation.mnemonic);
        let goes_on = match operation.repeat {
            Repeat::WhileEqual if compares => self.registers.flags.zero(),
            Repeat::WhileNotEqual if compares => !self.registers.flags.zero(),
            _ => true,
        };
        if left > 1 && goes_on {
            let length = u32::from(operation.length);
            self.registers.eip = self.registers.eip.wrapping_sub(length);
        }
        Ok(())
    }

    fn element<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        use Mnemonic::*;
        let source = operation.address.segment;
        match operation.mnemonic {
            Movsb | Movsw | Movsd => {
                let value = self.load::<W, B>(bus, source, self.at(operation, ESI))?;
                self.store::<W, B>(bus, Segment::Es, self.at(operation, EDI), value)?;
                self.advance::<W>(operation, ESI);
                self.advance::<W>(operation, EDI);
            }
            Cmpsb | Cmpsw | Cmpsd => {
                let a = self.load::<W, B>(bus, source, self.at(operation, ESI))?;
                let b = self.load::<W, B>(bus, Segment::Es, self.at(operation, EDI))?;
                subtract::<W>(&mut self.registers.flags, a, b, false);
                self.advance::<W>(operation, ESI);
                self.advance::<W>(operation, EDI);
            }
            Scasb | Scasw | Scasd => {
                let a = self.registers.get_part::<W>(EAX);
                let b = self.load::<W, B>(bus, Segment::Es, self.at(operation, EDI))?;
                subtract::<W>(&mut self.registers.flags, a, b, false);
                self.advance::<W>(operation, EDI);
            }
            Lodsb | Lodsw | Lodsd => {
                let value = self.load::<W, B>(bus, source, self.at(operation, ESI))?;
                self.registers.set_part::<W>(EAX, value);
                self.advance::<W>(operation, ESI);
            }
            Stosb | Stosw | Stosd => {
                let value = self.registers.get_part::<W>(EAX);
                self.store::<W, B>(bus, Segment::Es, self.at(operation, EDI), value)?;
                self.advance::<W>(operation, EDI);
            }
            Insb | Insw | Insd => {
                self.check_ports()?;
                let to = self.at(operation, EDI);
                let place = self.place(bus, Segment::Es, to, W / 8, Access::Write)?;
                let value = bus.port_in(self.registers.get(EDX) as u16, W / 8);
                place.write::<W, B>(bus, value);
                self.advance::<W>(operation, EDI);
            }
            _ => {
                self.check_ports()?;
                let value = self.load::<W, B>(bus, source, self.at(operation, ESI))?;
                bus.port_out(self.registers.get(EDX) as u16, W / 8, value);
                self.advance::<W>(operation, ESI);
            }
        }
        Ok(())
    }

    /// The address in esi or edi.
    fn at(&self, operation: &Operation, number: u8) -> u32 {
        match operation.address_width {
            16 => self.registers.get_part::<16>(number),
            _ => self.registers.get(number),
        }
    }

    /// Moves esi or edi by an element, in the direction of DF.
    fn advance<const W: u32>(&mut self, operation: &Operation, number: u8) {
        let size = W / 8;
        let by = if self.registers.flags.has(DF) {
            size.wrapping_neg()
        } else {
            size
        };
        let next = self.registers.get(number).wrapping_add(by);
        match operation.address_width {
            16 => self.registers.set_part::<16>(number, next),
            _ => self.registers.set(number, next),
        }
    }
}

fn is_comparison(mnemonic: Mnemonic) -> bool {
    use Mnemonic::*;
    matches!(mnemonic, Cmpsb | Cmpsw | Cmpsd | Scasb | Scasw | Scasd)
}
