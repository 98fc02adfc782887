//! The x87 register stack, and how its exceptions are raised.
//!
//! The hard thing is that an unmasked exception traps later, at the next instruction
//! that waits. Until then one found before the result prevents it, and one found after
//! lets it be stored (Intel SDM volume 1, 8.7).

use super::Fpu;
use super::number::{EXTENDED, Format, Number, flag};
use super::rounding::{Family, Mode, Outcome, Rules};

/// Stack fault.
const SF: u16 = 1 << 6;
/// An unmasked exception is pending: both bits that say so.
const PENDING: u16 = 1 << 7 | 1 << 15;
/// Condition code 0.
pub(super) const C0: u16 = 1 << 8;
/// Condition code 1.
pub(super) const C1: u16 = 1 << 9;
/// Condition code 2.
pub(super) const C2: u16 = 1 << 10;
/// Condition code 3.
pub(super) const C3: u16 = 1 << 14;

impl Fpu {
    /// The number of the register on top.
    pub(super) fn top(&self) -> u16 {
        self.status >> 11 & 7
    }

    /// Turns the stack.
    pub(super) fn set_top(&mut self, top: u16) {
        self.status = self.status & !(7 << 11) | (top & 7) << 11;
    }

    fn physical(&self, index: u8) -> usize {
        usize::from(self.top() + u16::from(index)) & 7
    }

    /// A register, counted from the top, unless it is empty.
    pub(super) fn get(&self, index: u8) -> Option<u128> {
        let number = self.physical(index);
        (self.valid >> number & 1 != 0).then(|| self.registers[number])
    }

    /// As `get`, taken apart.
    pub(super) fn number(&self, index: u8) -> Option<Number> {
        self.get(index).map(|bits| EXTENDED.unpack(bits))
    }

    /// Sets a register.
    pub(super) fn set(&mut self, index: u8, bits: u128) {
        let number = self.physical(index);
        self.registers[number] = bits;
        self.valid |= 1 << number;
    }

    /// Makes a register empty.
    pub(super) fn free(&mut self, index: u8) {
        self.valid &= !(1 << self.physical(index));
    }

    pub(super) fn pop(&mut self) {
        self.free(0);
        self.set_top(self.top() + 1);
    }

    /// Pushes, or raises a stack overflow.
    pub(super) fn push(&mut self, bits: u128) {
        self.condition(C1, 0);
        if !self.has_room() {
            return;
        }
        self.set_top(self.top() + 7);
        self.set(0, bits);
    }

    /// Whether there is a register to push to. If not, a stack overflow has been
    /// raised, and its result pushed.
    pub(super) fn has_room(&mut self) -> bool {
        if self.get(7).is_none() {
            return true;
        }
        if self.stack_fault(true) {
            self.set_top(self.top() + 7);
            self.set(0, EXTENDED.pack(Number::DEFAULT_NAN));
        }
        false
    }

    /// Raises a stack overflow or underflow. Whether there is a result.
    pub(super) fn stack_fault(&mut self, overflow: bool) -> bool {
        self.status |= SF;
        self.condition(C1, if overflow { C1 } else { 0 });
        self.raise(flag::INVALID)
    }

    /// Whether there is a result in spite of these exceptions.
    pub(super) fn allows(&self, flags: u8) -> bool {
        flags & flag::BEFORE & self.unmasked() == 0
    }

    /// Notes exceptions. Whether there is a result in spite of them.
    pub(super) fn raise(&mut self, flags: u8) -> bool {
        let allowed = self.allows(flags);
        let flags = if allowed { flags } else { flags & flag::BEFORE };
        self.status |= u16::from(flags);
        if flags & self.unmasked() != 0 {
            self.status |= PENDING;
        }
        allowed
    }

    /// Whether the next instruction that waits traps.
    pub(super) fn is_pending(&self) -> bool {
        self.status & PENDING != 0
    }

    /// Works out anew whether an exception is pending.
    pub(super) fn update_pending(&mut self) {
        self.status &= !PENDING;
        if self.status as u8 & self.unmasked() != 0 {
            self.status |= PENDING;
        }
    }

    /// Forgets all exceptions.
    pub(super) fn clear_exceptions(&mut self) {
        self.status &= !(PENDING | SF | 0x3f);
    }

    /// The exceptions that trap.
    pub(super) fn unmasked(&self) -> u8 {
        !self.control as u8 & 0x3f
    }

    /// Sets the condition codes in `which`.
    pub(super) fn condition(&mut self, which: u16, value: u16) {
        self.status = self.status & !which | value;
    }

    /// Stores a result in a register and pops, unless an exception prevents both.
    pub(super) fn deliver(&mut self, to: u8, outcome: Outcome, pops: u8) {
        self.condition(C1, 0);
        if !self.raise(outcome.flags) {
            return;
        }
        self.condition(C1, if outcome.up { C1 } else { 0 });
        self.set(to, EXTENDED.pack(outcome.value));
        for _ in 0..pops {
            self.pop();
        }
    }

    /// As `deliver` the result of an empty register.
    pub(super) fn underflow(&mut self, to: u8, pops: u8) {
        if self.stack_fault(false) {
            self.set(to, EXTENDED.pack(Number::DEFAULT_NAN));
            for _ in 0..pops {
                self.pop();
            }
        }
    }

    /// How x87 rounds.
    pub(super) fn mode(&self) -> Mode {
        Mode::from_bits(u32::from(self.control) >> 10)
    }

    /// Rounds to the precision that the control word asks for.
    pub(super) fn rules(&self) -> Rules {
        let precision = match self.control >> 8 & 3 {
            0 => 24,
            2 => 53,
            _ => 64,
        };
        Rules {
            precision,
            ..self.rules_of(EXTENDED)
        }
    }

    /// Rounds to a format.
    pub(super) fn rules_of(&self, format: Format) -> Rules {
        Rules {
            family: Family::X87,
            mode: self.mode(),
            precision: format.precision,
            range: format,
            unmasked: self.unmasked(),
            flush: false,
            wrap: format == EXTENDED,
        }
    }
}
