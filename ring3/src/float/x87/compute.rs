//! x87 arithmetic and comparisons.
//!
//! The hard thing is which operand is which: the forms that store into another
//! register than the top, and the reversed ones, are the same operation with its
//! operands exchanged.

use crate::bus::Bus;
use crate::decode::{Operand, Operation};
use crate::flags::{ARITHMETIC, CF, Flags, PF, ZF};
use crate::float::Fpu;
use crate::float::arithmetic::{Binary, Relation, binary, compare, sqrt, to_integral};
use crate::float::number::{EXTENDED, Number};
use crate::float::stack::{C0, C1, C2, C3};
use crate::processor::Processor;
use crate::trap::Trap;

impl Processor {
    /// The operand besides the top: memory or a register.
    fn x87_other<B: Bus>(
        &self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<Option<Number>, Trap> {
        if operation.to == Operand::Memory {
            return self.x87_number(bus, operation).map(Some);
        }
        Ok(self.fpu.number(super::source(operation)))
    }

    pub(super) fn x87_arithmetic<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        (kind, reversed, pops): (Binary, bool, u8),
    ) -> Result<(), Trap> {
        let (to, first, second) = match (operation.to, operation.from) {
            (Operand::Stack(to), Operand::Stack(from)) => {
                (to, self.fpu.number(to), self.fpu.number(from))
            }
            _ => (0, self.fpu.number(0), self.x87_other(bus, operation)?),
        };
        let (Some(first), Some(second)) = (first, second) else {
            self.fpu.underflow(to, pops);
            return Ok(());
        };
        let (a, b) = if reversed {
            (second, first)
        } else {
            (first, second)
        };
        let outcome = binary(kind, a, b, &self.fpu.rules());
        self.fpu.deliver(to, outcome, pops);
        Ok(())
    }

    pub(super) fn x87_compare<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        (quiet, pops, to_flags): (bool, u8, bool),
    ) -> Result<(), Trap> {
        let other = self.x87_other(bus, operation)?;
        if !to_flags {
            self.fpu.condition(C1, 0);
        }
        let (relation, allowed) = self.fpu.relation(other, quiet);
        if to_flags {
            self.set_relation(relation);
        } else {
            self.fpu.condition(C0 | C2 | C3, codes(relation));
        }
        for _ in 0..if allowed { pops } else { 0 } {
            self.fpu.pop();
        }
        Ok(())
    }

    /// Sets the flags to what a comparison found.
    pub(in crate::float) fn set_relation(&mut self, relation: Relation) {
        let flags = match relation {
            Relation::Less => CF,
            Relation::Equal => ZF,
            Relation::Greater => 0,
            Relation::Unordered => CF | PF | ZF,
        };
        let rest = self.registers.flags.bits() & !ARITHMETIC;
        self.registers.flags = Flags::from_bits(rest | flags);
    }
}

fn codes(relation: Relation) -> u16 {
    match relation {
        Relation::Less => C0,
        Relation::Equal => C3,
        Relation::Greater => 0,
        Relation::Unordered => C0 | C2 | C3,
    }
}

impl Fpu {
    /// Compares the top, and whether no unmasked exception keeps it from being popped.
    /// The relation counts all the same.
    fn relation(&mut self, other: Option<Number>, quiet: bool) -> (Relation, bool) {
        let (Some(top), Some(other)) = (self.number(0), other) else {
            return (Relation::Unordered, self.stack_fault(false));
        };
        let (relation, flags) = compare(top, other, quiet);
        (relation, self.raise(flags))
    }

    pub(super) fn test(&mut self) {
        self.condition(C1, 0);
        let (relation, _) = self.relation(Some(Number::zero(false)), false);
        self.condition(C0 | C2 | C3, codes(relation));
    }

    pub(super) fn root(&mut self) {
        match self.number(0) {
            Some(top) => self.deliver(0, sqrt(top, &self.rules()), 0),
            None => self.underflow(0, 0),
        }
    }

    pub(super) fn round(&mut self) {
        match self.number(0) {
            Some(top) => self.deliver(0, to_integral(top, &self.rules_of(EXTENDED)), 0),
            None => self.underflow(0, 0),
        }
    }
}
