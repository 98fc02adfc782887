//! Push, pop, and frames.
//!
//! The hard thing is an instruction that pushes several values: it finds all their
//! places before it stores the first, so that a fault leaves the stack as it was.

use crate::bus::{Access, Bus};
use crate::decode::{Operand, Operation};
use crate::flags::{AC, ARITHMETIC, DF, ID, IF, NT, RF, TF};
use crate::operand::with_width;
use crate::processor::Processor;
use crate::registers::Segment;
use crate::registers::number::{EAX, EBP, ESP};
use crate::trap::Trap;
use iced_x86::Mnemonic;

/// What `popf` and `iret` change in ring 3, IF apart (Intel SDM volume 2, POPF).
const POPPED: u32 = ARITHMETIC | TF | DF | NT | AC | ID;

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

    /// Faults unless so many values of `W` bits can be pushed.
    fn reserve<const W: u32, B: Bus>(&self, bus: &mut B, count: u32) -> Result<(), Trap> {
        let esp = self.registers.get(ESP);
        (1..=count).try_for_each(|index| {
            let va = esp.wrapping_sub(index * (W / 8));
            self.place(bus, Segment::Ss, va, W / 8, Access::Write)
                .map(|_| ())
        })
    }

    /// Pushes values of `W` bits, the first one first: all of them, or none.
    pub(crate) fn push_several<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        values: &[u32],
    ) -> Result<(), Trap> {
        self.reserve::<W, B>(bus, values.len() as u32)?;
        let mut values = values.iter();
        values.try_for_each(|&value| self.push::<W, B>(bus, value))
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

    /// Executes an instruction of this unit.
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

    /// `pusha`: one place for all, with esp as it was before.
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
        let interrupts = if self.has_io_privilege() { IF } else { 0 };
        let mask = if W == 16 { 0xffff } else { u32::MAX };
        let flags = &mut self.registers.flags;
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
        let frame = self.registers.get(ESP).wrapping_sub(size);
        let top = frame.wrapping_sub(level * size + operation.immediate);
        // What can fault comes first; the last byte of the new frame must be there too.
        self.reserve::<W, B>(bus, level + 1)?;
        self.place(bus, Segment::Ss, top, 1, Access::Write)?;
        let outer = |index: u32| old_frame.wrapping_sub(index * size);
        for index in 1..level {
            self.load::<W, B>(bus, Segment::Ss, outer(index))?;
        }
        self.push::<W, B>(bus, old_frame)?;
        for index in 1..level {
            // This may be what was just pushed.
            let pointer = self.load::<W, B>(bus, Segment::Ss, outer(index))?;
            self.push::<W, B>(bus, pointer)?;
        }
        if level > 0 {
            self.push::<W, B>(bus, frame)?;
        }
        self.registers.set_part::<W>(EBP, frame);
        self.registers.set(ESP, top);
        Ok(())
    }
}
