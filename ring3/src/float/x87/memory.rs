//! x87 loads and stores.
//!
//! The hard thing is what loads and stores raise: a load from 32 or 64 bits is a
//! conversion, with its exceptions, one from 80 bits is none; a store never raises
//! the denormal exception (Intel SDM volume 2, FLD and FST).

use crate::bus::{Access, Bus};
use crate::decode::{Operand, Operation};
use crate::float::arithmetic::{convert, to_integer, to_integral};
use crate::float::memory_size;
use crate::float::number::{DOUBLE, EXTENDED, Format, Number, SINGLE, flag};
use crate::float::rounding::{Mode, Outcome};
use crate::float::stack::C1;
use crate::processor::Processor;
use crate::trap::Trap;
use iced_x86::MemorySize;

/// What a decimal that does not fit is stored as.
const NO_DECIMAL: u128 = 0xffff_c000_0000_0000_0000;
/// Exceptions that prevent a store though they are found after the result.
const REFUSE: u8 = flag::OVERFLOW | flag::UNDERFLOW;
/// Decimals have 18 digits.
const DECIMALS: u64 = 1_000_000_000_000_000_000;

fn format_of(operation: &Operation) -> Option<Format> {
    match memory_size(operation) {
        MemorySize::Float32 => Some(SINGLE),
        MemorySize::Float64 => Some(DOUBLE),
        MemorySize::Float80 => Some(EXTENDED),
        _ => None,
    }
}

impl Processor {
    /// Reads the memory operand.
    fn x87_bytes<B: Bus>(&self, bus: &mut B, operation: &Operation) -> Result<(u128, u32), Trap> {
        let size = memory_size(operation).size();
        let place = self.place_of(bus, operation, size as u32, Access::Read)?;
        let mut bytes = [0; 16];
        place.read_bytes(bus, &mut bytes[..size]);
        Ok((u128::from_le_bytes(bytes), size as u32 * 8))
    }

    /// The number that the memory operand is.
    pub(super) fn x87_number<B: Bus>(
        &self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<Number, Trap> {
        let (bits, width) = self.x87_bytes(bus, operation)?;
        Ok(match format_of(operation) {
            Some(format) => format.unpack(bits),
            None => Number::integer((bits as i64) << (64 - width) >> (64 - width)),
        })
    }

    pub(super) fn x87_load<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        if operation.to != Operand::Memory && operation.from != Operand::Memory {
            self.x87_load_register(super::source(operation));
            return Ok(());
        }
        let format = format_of(operation);
        if format == Some(EXTENDED) {
            let (bits, _) = self.x87_bytes(bus, operation)?;
            self.fpu.push(bits);
            return Ok(());
        }
        let number = self.x87_number(bus, operation)?;
        let fpu = &mut self.fpu;
        fpu.condition(C1, 0);
        if fpu.has_room() {
            let outcome = convert(number, &fpu.rules_of(EXTENDED));
            // A denormal operand does not prevent a load.
            let allowed = fpu.allows(outcome.flags & !flag::DENORMAL);
            fpu.raise(outcome.flags);
            if allowed {
                fpu.push(EXTENDED.pack(outcome.value));
            }
        }
        Ok(())
    }

    fn x87_load_register(&mut self, index: u8) {
        let fpu = &mut self.fpu;
        fpu.condition(C1, 0);
        match fpu.get(index) {
            Some(bits) => fpu.push(bits),
            None if fpu.stack_fault(false) => {
                fpu.set_top(fpu.top() + 7);
                fpu.set(0, EXTENDED.pack(Number::DEFAULT_NAN));
            }
            None => {}
        }
    }

    pub(super) fn x87_store<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        pops: u8,
    ) -> Result<(), Trap> {
        if operation.to != Operand::Memory {
            self.x87_store_register(super::source(operation), pops);
            return Ok(());
        }
        let Some(format) = format_of(operation) else {
            return Err(Trap::INVALID);
        };
        let rules = self.fpu.rules_of(format);
        self.x87_put(bus, operation, pops, |top, bits| {
            if format == EXTENDED {
                return (bits, Outcome::exact(top));
            }
            let mut outcome = convert(top, &rules);
            outcome.flags &= !flag::DENORMAL;
            let refused = outcome.flags & rules.unmasked & REFUSE;
            if refused != 0 {
                return (0, Outcome::exact(top).with(refused));
            }
            (format.pack(outcome.value), outcome)
        })
    }

    fn x87_store_register(&mut self, to: u8, pops: u8) {
        self.fpu.condition(C1, 0);
        match self.fpu.get(0) {
            Some(bits) => {
                self.fpu.set(to, bits);
                for _ in 0..pops {
                    self.fpu.pop();
                }
            }
            None => self.fpu.underflow(to, pops),
        }
    }

    pub(super) fn x87_store_integer<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        truncate: bool,
        pops: u8,
    ) -> Result<(), Trap> {
        let width = memory_size(operation).size() as u32 * 8;
        let mode = if truncate {
            Mode::Zero
        } else {
            self.fpu.mode()
        };
        self.x87_put(bus, operation, pops, |top, _| {
            let (value, flags, up) = to_integer(top, width, mode);
            let outcome = Outcome {
                flags,
                up,
                ..Outcome::exact(top)
            };
            (value as u128, outcome)
        })
    }

    pub(super) fn x87_store_decimal<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let rules = self.fpu.rules_of(EXTENDED);
        self.x87_put(bus, operation, 1, |top, _| {
            let (value, flags, up) = to_integer(top, 64, rules.mode);
            if flags & flag::INVALID != 0 || value.unsigned_abs() >= DECIMALS {
                return (NO_DECIMAL, Outcome::invalid());
            }
            let outcome = Outcome {
                flags,
                up,
                ..Outcome::exact(top)
            };
            let sign = u128::from(to_integral(top, &rules).value.negative) << 79;
            (sign | to_decimal(value.unsigned_abs()), outcome)
        })
    }

    /// Stores what `convert` makes of the top, and pops.
    fn x87_put<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        pops: u8,
        convert: impl Fn(Number, u128) -> (u128, Outcome),
    ) -> Result<(), Trap> {
        let size = memory_size(operation).size();
        let place = self.place_of(bus, operation, size as u32, Access::Write)?;
        let fpu = &mut self.fpu;
        fpu.condition(C1, 0);
        let (bits, allowed) = match fpu.get(0) {
            Some(bits) => {
                let (bits, outcome) = convert(EXTENDED.unpack(bits), bits);
                let refused = outcome.flags & fpu.unmasked() & REFUSE != 0;
                let allowed = fpu.raise(outcome.flags) && !refused;
                if allowed && outcome.up {
                    fpu.condition(C1, C1);
                }
                (bits, allowed)
            }
            None => (nothing(operation), fpu.stack_fault(false)),
        };
        if allowed {
            place.write_bytes(bus, &bits.to_le_bytes()[..size]);
            for _ in 0..pops {
                fpu.pop();
            }
        }
        Ok(())
    }

    pub(super) fn x87_load_decimal<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        let (bits, _) = self.x87_bytes(bus, operation)?;
        let magnitude = (0..18).rev().fold(0, |value, digit| {
            value * 10 + (bits >> (digit * 4) & 0xf) as i64
        });
        let mut number = Number::integer(magnitude);
        number.negative = bits >> 79 & 1 != 0;
        self.fpu.push(EXTENDED.pack(number));
        Ok(())
    }
}

/// What an empty register is stored as.
fn nothing(operation: &Operation) -> u128 {
    match (format_of(operation), memory_size(operation)) {
        (Some(format), _) => format.pack(Number::DEFAULT_NAN),
        (None, MemorySize::Bcd) => NO_DECIMAL,
        (None, size) => 1 << (size.size() * 8 - 1),
    }
}

fn to_decimal(mut value: u64) -> u128 {
    let mut bits = 0;
    for digit in 0..18 {
        bits |= u128::from(value % 10) << (digit * 4);
        value /= 10;
    }
    bits
}
