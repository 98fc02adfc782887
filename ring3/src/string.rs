//! String instructions, element by element.
//!
//! The hard thing is repetition: registers always tell how far it got, so that a
//! fault or an interrupt in the middle leaves an instruction that goes on when it is
//! executed again (Intel SDM volume 2, REP). So each element is one step here, and
//! several are done at once only where none of them can fault.

use crate::arithmetic::subtract;
use crate::bus::{Access, Bus};
use crate::decode::{Operation, Repeat};
use crate::flags::DF;
use crate::memory::{PAGE, read_at, write_at};
use crate::operand::with_width;
use crate::processor::Processor;
use crate::registers::Segment;
use crate::registers::number::{EAX, ECX, EDI, EDX, ESI};
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

    /// Moves or stores several elements of an instruction that repeats, and returns how
    /// many: at most `most`, never the last, and only upwards and within pages that the
    /// machine remembers. Whatever is left is done one by one.
    #[inline(never)]
    pub(crate) fn several<B: Bus>(&mut self, bus: &mut B, operation: &Operation, most: u64) -> u64 {
        use Mnemonic::*;
        let plain = operation.address_width == 32 && !self.registers.flags.has(DF);
        match operation.mnemonic {
            Movsb | Movsw | Movsd if plain => {
                with_width!(operation, self.move_several(bus, operation, most))
            }
            Stosb | Stosw | Stosd if plain => {
                with_width!(operation, self.store_several(bus, most))
            }
            _ => 0,
        }
    }

    fn move_several<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        most: u64,
    ) -> u64 {
        let segment = operation.address.segment;
        let (from, to) = (self.registers.get(ESI), self.registers.get(EDI));
        let Some(source) = self.at_once(bus, segment, from, W / 8, Access::Read) else {
            return 0;
        };
        let Some(target) = self.at_once(bus, Segment::Es, to, W / 8, Access::Write) else {
            return 0;
        };
        let bytes = self.room::<W>(most).min(left_of_page::<W>(from));
        let bytes = bytes.min(left_of_page::<W>(to));
        for offset in (0..bytes).step_by(W as usize / 8) {
            let value = read_at::<W, B>(bus, source + offset);
            write_at::<W, B>(bus, target + offset, value);
        }
        self.registers.set(ESI, from.wrapping_add(bytes));
        self.has_done::<W>(to, bytes)
    }

    fn store_several<const W: u32, B: Bus>(&mut self, bus: &mut B, most: u64) -> u64 {
        let to = self.registers.get(EDI);
        let Some(target) = self.at_once(bus, Segment::Es, to, W / 8, Access::Write) else {
            return 0;
        };
        let value = self.registers.get_part::<W>(EAX);
        let bytes = self.room::<W>(most).min(left_of_page::<W>(to));
        for offset in (0..bytes).step_by(W as usize / 8) {
            write_at::<W, B>(bus, target + offset, value);
        }
        self.has_done::<W>(to, bytes)
    }

    /// Bytes of the elements but the last, at most `most` elements and a page.
    fn room<const W: u32>(&self, most: u64) -> u32 {
        let elements = u64::from(self.registers.get(ECX) - 1).min(most);
        elements.min(u64::from(PAGE)) as u32 * (W / 8)
    }

    fn has_done<const W: u32>(&mut self, to: u32, bytes: u32) -> u64 {
        let elements = bytes / (W / 8);
        self.registers.set(EDI, to.wrapping_add(bytes));
        let left = self.registers.get(ECX);
        self.registers.set(ECX, left - elements);
        elements.into()
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

/// Bytes of the whole elements between `va` and the end of its page.
fn left_of_page<const W: u32>(va: u32) -> u32 {
    let left = PAGE - va % PAGE;
    left - left % (W / 8)
}

fn is_comparison(mnemonic: Mnemonic) -> bool {
    use Mnemonic::*;
    matches!(mnemonic, Cmpsb | Cmpsw | Cmpsd | Scasb | Scasw | Scasd)
}
