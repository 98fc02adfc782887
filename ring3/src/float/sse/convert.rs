//! SSE conversions between the formats and integers of 32 bits.
//!
//! The hard thing is what happens to the rest of the destination: a scalar conversion
//! leaves it, one of two elements to half a register clears the upper half, unless it
//! is from an MMX register.

use super::is_mmx;
use crate::bus::Bus;
use crate::decode::{Operand, Operation};
use crate::float::arithmetic::{convert, to_integer};
use crate::float::number::{DOUBLE, Format, Number, SINGLE};
use crate::float::rounding::{Mode, Outcome};
use crate::processor::Processor;
use crate::trap::Trap;
use iced_x86::Mnemonic;

/// A conversion; no format stands for integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::float) struct Conversion {
    from: Option<Format>,
    to: Option<Format>,
    /// How many elements.
    lanes: u32,
    /// Whether it rounds toward zero whatever MXCSR says.
    truncate: bool,
    /// Whether the rest of an SSE register stays.
    keeps: bool,
}

impl Conversion {
    /// What the instruction is, if it is a conversion.
    pub(super) fn new(mnemonic: Mnemonic) -> Option<Conversion> {
        use Mnemonic::*;
        const INT: Option<Format> = None;
        const S: Option<Format> = Some(SINGLE);
        const D: Option<Format> = Some(DOUBLE);
        let (from, to, lanes, truncate) = match mnemonic {
            Cvtsi2ss => (INT, S, 1, false),
            Cvtsi2sd => (INT, D, 1, false),
            Cvtss2si => (S, INT, 1, false),
            Cvttss2si => (S, INT, 1, true),
            Cvtsd2si => (D, INT, 1, false),
            Cvttsd2si => (D, INT, 1, true),
            Cvtss2sd => (S, D, 1, false),
            Cvtsd2ss => (D, S, 1, false),
            Cvtps2pd => (S, D, 2, false),
            Cvtpd2ps => (D, S, 2, false),
            Cvtpi2ps => (INT, S, 2, false),
            Cvtps2pi => (S, INT, 2, false),
            Cvttps2pi => (S, INT, 2, true),
            Cvtpi2pd => (INT, D, 2, false),
            Cvtpd2pi => (D, INT, 2, false),
            Cvttpd2pi => (D, INT, 2, true),
            Cvtdq2ps => (INT, S, 4, false),
            Cvtps2dq => (S, INT, 4, false),
            Cvttps2dq => (S, INT, 4, true),
            Cvtdq2pd => (INT, D, 2, false),
            Cvtpd2dq => (D, INT, 2, false),
            Cvttpd2dq => (D, INT, 2, true),
            _ => return None,
        };
        Some(Conversion {
            from,
            to,
            lanes,
            truncate,
            keeps: lanes == 1 || mnemonic == Cvtpi2ps,
        })
    }
}

fn width(format: Option<Format>) -> u32 {
    if format == Some(DOUBLE) { 64 } else { 32 }
}

impl Processor {
    pub(super) fn sse_convert<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        conversion: Conversion,
    ) -> Result<(), Trap> {
        let mmx = is_mmx(operation.to) || is_mmx(operation.from);
        if mmx {
            self.x87_exceptions()?;
        }
        let source = self.sse_read(bus, operation, operation.from)?;
        let (from, to) = (width(conversion.from), width(conversion.to));
        let mut result = match operation.to {
            Operand::Xmm(_) if conversion.keeps => {
                let changed = conversion.lanes * to;
                self.sse_read(bus, operation, operation.to)? >> changed << changed
            }
            _ => 0,
        };
        let mut all = 0;
        for lane in 0..conversion.lanes {
            let element = source >> (lane * from) & ((1 << from) - 1);
            let (bits, flags) = self.converted(conversion, element);
            all |= flags;
            result |= bits << (lane * to);
        }
        if mmx {
            // As on the processor, also if it traps then.
            self.fpu.fill();
        }
        self.sse_raise(all)?;
        self.sse_write(bus, operation, result)
    }

    /// One element, and exceptions.
    fn converted(&self, conversion: Conversion, element: u128) -> (u128, u8) {
        let number = match conversion.from {
            Some(format) => self.fpu.sse_operand(format, element),
            None => Number::integer(i64::from(element as i32)),
        };
        if let Some(format) = conversion.to {
            let rules = self.fpu.sse_rules(format);
            let Outcome { value, flags, .. } = convert(number, &rules);
            let prevented = flags & rules.unmasked != 0;
            return (if prevented { 0 } else { format.pack(value) }, flags);
        }
        let mode = if conversion.truncate {
            Mode::Zero
        } else {
            self.fpu.sse_rules(SINGLE).mode
        };
        let (value, flags, _) = to_integer(number, 32, mode);
        (u128::from(value as u32), flags)
    }
}
