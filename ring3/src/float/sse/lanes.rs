//! SSE arithmetic and comparisons, on one element of a register or on all.
//!
//! The hard thing is `min` and `max`, which are no arithmetic: unless the first
//! operand is certainly smaller, or larger, the second is the result, be it a NaN or
//! a zero of the other sign.

use super::{Format, Step};
use crate::bus::Bus;
use crate::decode::{Operand, Operation};
use crate::float::arithmetic::{Binary, Relation, binary, compare, sqrt};
use crate::float::number::{DOUBLE, Number, SINGLE};
use crate::float::rounding::{Outcome, Rules};
use crate::processor::Processor;
use crate::trap::Trap;
use iced_x86::{Code, Mnemonic};

/// Which elements of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::float) struct Shape {
    pub format: Format,
    pub lanes: u32,
}

/// An operation on numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Binary(Binary),
    Root,
    Min,
    Max,
}

/// An operation on elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::float) struct Arithmetic {
    kind: Kind,
    shape: Shape,
}

const SS: Shape = shape(SINGLE, 1);
const SD: Shape = shape(DOUBLE, 1);
const PS: Shape = shape(SINGLE, 4);
const PD: Shape = shape(DOUBLE, 2);

const fn shape(format: Format, lanes: u32) -> Shape {
    Shape { format, lanes }
}

impl Shape {
    /// Bits of an element.
    fn width(self) -> u32 {
        if self.format == SINGLE { 32 } else { 64 }
    }

    /// Replaces elements by what `compute` makes of two.
    fn map(self, a: u128, b: u128, mut compute: impl FnMut(u128, u128) -> u128) -> u128 {
        let width = self.width();
        let mask = (1u128 << width) - 1;
        (0..self.lanes).fold(a, |result, lane| {
            let at = lane * width;
            let value = compute(a >> at & mask, b >> at & mask);
            result & !(mask << at) | (value & mask) << at
        })
    }
}

/// What the operation is, if it is arithmetic or a comparison.
pub(super) fn step(operation: &Operation) -> Option<Step> {
    use Mnemonic::*;
    let to_flags = |format, quiet| Step::CompareToFlags { format, quiet };
    Some(match operation.mnemonic {
        Comiss => to_flags(SINGLE, false),
        Comisd => to_flags(DOUBLE, false),
        Ucomiss => to_flags(SINGLE, true),
        Ucomisd => to_flags(DOUBLE, true),
        Cmpps => Step::Compare(PS),
        Cmppd => Step::Compare(PD),
        Cmpss => Step::Compare(SS),
        // The string instruction has the same name.
        Cmpsd if operation.code == Code::Cmpsd_xmm_xmmm64_imm8 => Step::Compare(SD),
        mnemonic => Step::Arithmetic(arithmetic(mnemonic)?),
    })
}

fn arithmetic(mnemonic: Mnemonic) -> Option<Arithmetic> {
    use Mnemonic::*;
    let shape = match mnemonic {
        Addss | Subss | Mulss | Divss | Sqrtss | Minss | Maxss => SS,
        Addsd | Subsd | Mulsd | Divsd | Sqrtsd | Minsd | Maxsd => SD,
        Addps | Subps | Mulps | Divps | Sqrtps | Minps | Maxps => PS,
        Addpd | Subpd | Mulpd | Divpd | Sqrtpd | Minpd | Maxpd => PD,
        _ => return None,
    };
    let kind = match mnemonic {
        Addss | Addsd | Addps | Addpd => Kind::Binary(Binary::Add),
        Subss | Subsd | Subps | Subpd => Kind::Binary(Binary::Sub),
        Mulss | Mulsd | Mulps | Mulpd => Kind::Binary(Binary::Mul),
        Divss | Divsd | Divps | Divpd => Kind::Binary(Binary::Div),
        Sqrtss | Sqrtsd | Sqrtps | Sqrtpd => Kind::Root,
        Minss | Minsd | Minps | Minpd => Kind::Min,
        _ => Kind::Max,
    };
    Some(Arithmetic { kind, shape })
}

impl Kind {
    fn compute(self, a: Number, b: Number, rules: &Rules) -> Outcome {
        match self {
            Kind::Binary(kind) => binary(kind, a, b, rules),
            Kind::Root => sqrt(b, rules),
            Kind::Min => chosen(a, b, Relation::Less),
            Kind::Max => chosen(a, b, Relation::Greater),
        }
    }
}

/// The first if it compares so, else the second.
fn chosen(a: Number, b: Number, wanted: Relation) -> Outcome {
    let (relation, flags) = compare(a, b, false);
    Outcome::exact(if relation == wanted { a } else { b }).with(flags)
}

/// Whether two elements compare as the immediate value of `cmpps` says, and the
/// exceptions.
fn holds(a: Number, b: Number, predicate: u32) -> (bool, u8) {
    let quiet = matches!(predicate & 3, 0 | 3);
    let (relation, flags) = compare(a, b, quiet);
    let holds = match predicate & 3 {
        0 => relation == Relation::Equal,
        1 => relation == Relation::Less,
        2 => matches!(relation, Relation::Less | Relation::Equal),
        _ => relation == Relation::Unordered,
    };
    (holds != (predicate & 4 != 0), flags)
}

impl Processor {
    pub(super) fn sse_arithmetic<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        Arithmetic { kind, shape }: Arithmetic,
    ) -> Result<(), Trap> {
        let format = shape.format;
        let rules = self.fpu.sse_rules(format);
        self.sse_map(bus, operation, shape, |a, b| {
            let outcome = kind.compute(a, b, &rules);
            let prevented = outcome.flags & rules.unmasked != 0;
            let bits = if prevented {
                0
            } else {
                format.pack(outcome.value)
            };
            (bits, outcome.flags)
        })
    }

    pub(super) fn sse_compare<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        shape: Shape,
    ) -> Result<(), Trap> {
        let predicate = operation.immediate;
        self.sse_map(bus, operation, shape, |a, b| {
            let (holds, flags) = holds(a, b, predicate);
            (if holds { u128::MAX } else { 0 }, flags)
        })
    }

    fn sse_map<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        shape: Shape,
        compute: impl Fn(Number, Number) -> (u128, u8),
    ) -> Result<(), Trap> {
        let a = self.sse_read(bus, operation, operation.to)?;
        let b = self.sse_read(bus, operation, operation.from)?;
        let mut all = 0;
        let fpu = &self.fpu;
        let result = shape.map(a, b, |a, b| {
            let a = fpu.sse_operand(shape.format, a);
            let b = fpu.sse_operand(shape.format, b);
            let (bits, flags) = compute(a, b);
            all |= flags;
            bits
        });
        self.sse_raise(all)?;
        self.sse_write(bus, operation, result)
    }

    pub(super) fn sse_compare_to_flags<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        format: Format,
        quiet: bool,
    ) -> Result<(), Trap> {
        let (to, from): (Operand, Operand) = (operation.to, operation.from);
        let mask = (1u128 << shape(format, 1).width()) - 1;
        let a = self.sse_read(bus, operation, to)? & mask;
        let b = self.sse_read(bus, operation, from)? & mask;
        let a = self.fpu.sse_operand(format, a);
        let b = self.fpu.sse_operand(format, b);
        let (relation, flags) = compare(a, b, quiet);
        self.sse_raise(flags)?;
        self.set_relation(relation);
        Ok(())
    }
}
