//! Push, pop, and frames.
//!
//! The hard thing is to change esp only when nothing can fault any more.

use crate::bus::{Access, Bus};
use crate::decode::{Operand, Operation};
use crate::flags::{AC, AF, ARITHMETIC, CF, DF, ID, IF, IOPL, NT, OF, PF, RF, SF, TF, ZF};
use crate::operand::with_width;
use crate::processor::Processor;
use crate::registers::Segment;
use crate::registers::number::{EAX, EBP, ESP};
use crate::trap::Trap;
use iced_x86::Mnemonic;

/// What `popf` and `iret` change in ring 3, IF apart (Intel SDM volume 2, POPF).
const POPPED: u32 = ARITHMETIC | TF | DF | NT | AC | ID;
const _: () = assert!(ARITHMETIC == CF | PF | AF | ZF | SF | OF);

impl Processor {
    /// Pushes a value of `W` bits.
    #[inline(always)]
    pub(crate) fn push<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        value: u32,
    ) -> Result<(), Trap> {
        let esp = self.registers.get(ESP).wrapping_sub(W / 8);
        self.store::<W, B>(bus, Segment::Ss, esp, value)?;
        self.registers.set(ESP, esp);
        Ok(())
    }

    /// The value of `W` bits that is `index` values below the top of the stack.
    #[inline(always)]
    pub(crate) fn peek<const W: u32, B: Bus>(&self, bus: &mut B, index: u32) -> Result<u32, Trap> {
        let va = self.registers.get(ESP).wrapping_add(index * (W / 8));
        self.load::<W, B>(bus, Segment::Ss, va)
    }

    /// Drops so many bytes from the stack.
    #[inline(always)]
    pub(crate) fn drop_bytes(&mut self, bytes: u32) {
        let esp = self.registers.get(ESP).wrapping_add(bytes);
        self.registers.set(ESP, esp);
    }

    /// Executes an instruction of this room.
    #[inline(always)]
    pub(crate) fn stack<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        use Mnemonic::*;
        match operation.mnemonic {
            Push => with_width!(operation, self.push_operand(bus, operation)),
            Pop => with_width!(operation, self.pop_operand(bus, operation)),
            Leave => with_width!(operation, self.leave(bus)),
            _ => self.seldom_stack(bus, operation),
        }
    }

    fn seldom_stack<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        use Mnemonic::*;
        match operation.mnemonic {
            Pusha | Pushad => with_width!(operation, self.push_all(bus)),
            Popa | Popad => with_width!(operation, self.pop_all(bus)),
            Pushf | Pushfd => {
                let bits = self.registers.flags.bits() & !RF;
                with_width!(operation, self.push(bus, bits))
            }
            Popf | Popfd => with_width!(operation, self.pop_flags(bus)),
            _ => with_width!(operation, self.enter(bus, operation)),
        }
    }

    #[inline(always)]
    fn push_operand<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let value = match operation.to {
            Operand::Segment(segment) => self.registers.selector(segment).into(),
            operand => self.get::<W, B>(bus, operation, operand)?,
        };
        self.push::<W, B>(bus, value)
    }

    /// `pop`. An address made with esp sees it as it is afterwards.
    #[inline(always)]
    fn pop_operand<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let value = self.peek::<W, B>(bus, 0)?;
        if let Operand::Segment(segment) = operation.to {
            self.load_segment(segment, value as u16)?;
            self.drop_bytes(W / 8);
            return Ok(());
        }
        self.drop_bytes(W / 8);
        let result = self.put::<W, B>(bus, operation, operation.to, value);
        if result.is_err() {
            self.drop_bytes((W / 8).wrapping_neg());
        }
        result
    }

    fn leave<const W: u32, B: Bus>(&mut self, bus: &mut B) -> Result<(), Trap> {
        let frame = self.registers.get(EBP);
        let saved = self.load::<W, B>(bus, Segment::Ss, frame)?;
        self.registers.set_part::<W>(EBP, saved);
        self.registers.set(ESP, frame.wrapping_add(W / 8));
        Ok(())
    }

    fn push_all<const W: u32, B: Bus>(&mut self, bus: &mut B) -> Result<(), Trap> {
        let esp = self.registers.get(ESP).wrapping_sub(W);
        let place = self.place(bus, Segment::Ss, esp, W, Access::Write)?;
        let mut bytes = [0; 32];
        for number in 0..8 {
            let at = (7 - number as usize) * (W as usize / 8);
            let value = self.registers.get_part::<W>(number).to_le_bytes();
            bytes[at..at + W as usize / 8].copy_from_slice(&value[..W as usize / 8]);
        }
        place.write_bytes(bus, &bytes[..W as usize]);
        self.registers.set(ESP, esp);
        Ok(())
    }

    fn pop_all<const W: u32, B: Bus>(&mut self, bus: &mut B) -> Result<(), Trap> {
        let mut values = [0; 8];
        for (index, value) in (0..).zip(&mut values) {
            *value = self.peek::<W, B>(bus, index)?;
        }
        for number in (EAX..8).filter(|&number| number != ESP) {
            self.registers
                .set_part::<W>(number, values[7 - number as usize]);
        }
        self.drop_bytes(W);
        Ok(())
    }

    /// Sets the flags that ring 3 may set, of a word of `W` bits.
    pub(crate) fn set_popped_flags<const W: u32>(&mut self, bits: u32) {
        let flags = &mut self.registers.flags;
        let interrupts = if flags.has(IOPL) && flags.bits() & IOPL == IOPL {
            IF
        } else {
            0
        };
        let mask = if W == 16 { 0xffff } else { u32::MAX };
        flags.replace(bits, (POPPED | interrupts) & mask);
    }

    fn pop_flags<const W: u32, B: Bus>(&mut self, bus: &mut B) -> Result<(), Trap> {
        let bits = self.peek::<W, B>(bus, 0)?;
        self.set_popped_flags::<W>(bits);
        self.drop_bytes(W / 8);
        Ok(())
    }

    /// `enter`, with up to 31 pointers to outer frames.
    fn enter<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let size = W / 8;
        let level = u32::from(operation.second) % 32;
        let old_frame = self.registers.get(EBP);
        let old_top = self.registers.get(ESP);
        let frame = old_top.wrapping_sub(size);
        let top = frame.wrapping_sub(level * size + operation.immediate);
        // The last byte of the new frame must be there too, before anything changes.
        let room = self.place(bus, Segment::Ss, top, 1, Access::Write);
        room?;
        self.store::<W, B>(bus, Segment::Ss, frame, self.registers.get_part::<W>(EBP))?;
        for index in 1..level {
            let outer =
                self.load::<W, B>(bus, Segment::Ss, old_frame.wrapping_sub(index * size))?;
            self.store::<W, B>(bus, Segment::Ss, frame.wrapping_sub(index * size), outer)?;
        }
        if level > 0 {
            self.store::<W, B>(bus, Segment::Ss, frame.wrapping_sub(level * size), frame)?;
        }
        self.registers.set_part::<W>(EBP, frame);
        self.registers.set(ESP, top);
        Ok(())
    }
}
