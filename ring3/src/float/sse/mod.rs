//! SSE and MMX instructions: what each is, its operands, MXCSR.
//!
//! Most of them compute one value from two and have no exceptions, so they are
//! functions here, found by mnemonic. The hard thing is what surrounds them: operands
//! of 16 bytes have to be aligned, MMX registers are those of x87, and an unmasked
//! exception leaves its flags in MXCSR and nothing else.

mod convert;
mod integer;
mod lanes;
mod moves;
mod shuffle;

use super::image::{AT_MXCSR, IMAGE, MXCSR, WRITTEN};
use super::number::{Format, Number, flag};
use super::rounding::{Family, Mode, Rules};
use super::{Fpu, memory_size};
use crate::bus::{Access, Bus};
use crate::decode::{Operand, Operation};
use crate::processor::Processor;
use crate::trap::Trap;
use iced_x86::Mnemonic;

/// What an SSE or MMX instruction does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Computes a value from the destination's and the source's.
    Function(Function),
    Arithmetic(lanes::Arithmetic),
    Compare(lanes::Shape),
    CompareToFlags {
        format: Format,
        quiet: bool,
    },
    Convert(convert::Conversion),
    LoadControl,
    StoreControl,
    Save,
    Restore,
    Empty,
}

/// A value from that of the destination and of the source.
pub(in crate::float) type Function = fn(u128, u128, Form) -> u128;

/// What else a function may depend on.
#[derive(Clone, Copy, Debug)]
pub(in crate::float) struct Form {
    /// Bytes of the registers: 8 or 16.
    bytes: u32,
    immediate: u32,
    /// Whether the source is in memory.
    memory: bool,
}

impl Step {
    /// What the operation is, if it is an SSE or MMX instruction.
    pub(super) fn new(operation: &Operation) -> Option<Step> {
        use Mnemonic::*;
        let step = match operation.mnemonic {
            Ldmxcsr => Step::LoadControl,
            Stmxcsr => Step::StoreControl,
            Fxsave => Step::Save,
            Fxrstor => Step::Restore,
            Emms => Step::Empty,
            _ => {
                return moves::function(operation)
                    .or_else(|| shuffle::function(operation))
                    .or_else(|| integer::function(operation.mnemonic))
                    .map(Step::Function)
                    .or_else(|| lanes::step(operation))
                    .or_else(|| convert::Conversion::new(operation.mnemonic).map(Step::Convert));
            }
        };
        Some(step)
    }
}

fn is_mmx(operand: Operand) -> bool {
    matches!(operand, Operand::Mmx(_))
}

impl Processor {
    /// Executes an SSE or MMX instruction.
    pub(super) fn sse<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        step: Step,
    ) -> Result<(), Trap> {
        match step {
            Step::Function(function) => self.sse_function(bus, operation, function),
            Step::Arithmetic(arithmetic) => self.sse_arithmetic(bus, operation, arithmetic),
            Step::Compare(shape) => self.sse_compare(bus, operation, shape),
            Step::CompareToFlags { format, quiet } => {
                self.sse_compare_to_flags(bus, operation, format, quiet)
            }
            Step::Convert(conversion) => self.sse_convert(bus, operation, conversion),
            Step::LoadControl => {
                let place = self.place_of(bus, operation, 4, Access::Read)?;
                let value = place.read::<32, B>(bus);
                if value & !MXCSR != 0 {
                    return Err(Trap::PROTECTION);
                }
                self.fpu.mxcsr = value;
                Ok(())
            }
            Step::StoreControl => {
                let place = self.place_of(bus, operation, 4, Access::Write)?;
                place.write::<32, B>(bus, self.fpu.mxcsr);
                Ok(())
            }
            Step::Save => self.save_image(bus, operation),
            Step::Restore => self.restore_image(bus, operation),
            Step::Empty => {
                self.x87_exceptions()?;
                self.fpu.empty();
                Ok(())
            }
        }
    }

    fn sse_function<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        function: Function,
    ) -> Result<(), Trap> {
        let mmx = is_mmx(operation.to) || is_mmx(operation.from);
        if mmx {
            self.x87_exceptions()?;
        }
        let form = Form {
            bytes: if mmx { 8 } else { 16 },
            immediate: operation.immediate,
            memory: operation.from == Operand::Memory,
        };
        let old = match operation.to {
            Operand::Memory => 0,
            register => self.sse_read(bus, operation, register)?,
        };
        let source = self.sse_read(bus, operation, operation.from)?;
        self.sse_write(bus, operation, function(old, source, form))?;
        if mmx {
            self.fpu.fill();
        }
        Ok(())
    }

    /// Traps if an unmasked x87 exception is pending.
    fn x87_exceptions(&self) -> Result<(), Trap> {
        if self.fpu.is_pending() {
            return Err(Trap::X87);
        }
        Ok(())
    }

    /// The value of an operand.
    fn sse_read<B: Bus>(
        &self,
        bus: &mut B,
        operation: &Operation,
        operand: Operand,
    ) -> Result<u128, Trap> {
        Ok(match operand {
            Operand::Xmm(number) => self.fpu.xmm[usize::from(number) & 7],
            Operand::Mmx(number) => u128::from(self.fpu.registers[usize::from(number) & 7] as u64),
            Operand::Register(number) => self.registers.get(number).into(),
            Operand::Memory => {
                let size = memory_size(operation).size();
                self.check_alignment(operation, size)?;
                let mut bytes = [0; 16];
                self.place_of(bus, operation, size as u32, Access::Read)?
                    .read_bytes(bus, &mut bytes[..size]);
                u128::from_le_bytes(bytes)
            }
            _ => operation.immediate.into(),
        })
    }

    /// Sets the destination.
    fn sse_write<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        value: u128,
    ) -> Result<(), Trap> {
        match operation.to {
            Operand::Xmm(number) => self.fpu.xmm[usize::from(number) & 7] = value,
            Operand::Mmx(number) => {
                let bits = 0xffff << 64 | u128::from(value as u64);
                self.fpu.registers[usize::from(number) & 7] = bits;
            }
            Operand::Register(number) => self.registers.set(number, value as u32),
            Operand::Memory => {
                let size = memory_size(operation).size();
                self.check_alignment(operation, size)?;
                self.place_of(bus, operation, size as u32, Access::Write)?
                    .write_bytes(bus, &value.to_le_bytes()[..size]);
            }
            _ => return Err(Trap::INVALID),
        }
        Ok(())
    }

    fn check_alignment(&self, operation: &Operation, size: usize) -> Result<(), Trap> {
        use Mnemonic::*;
        let anywhere = matches!(operation.mnemonic, Movups | Movupd | Movdqu);
        let aligned = self.address(&operation.address).is_multiple_of(16);
        if size < 16 || anywhere || aligned {
            Ok(())
        } else {
            Err(Trap::PROTECTION)
        }
    }

    fn save_image<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        self.check_alignment(operation, IMAGE)?;
        let place = self.place_of(bus, operation, IMAGE as u32, Access::Write)?;
        place.write_bytes(bus, &self.fpu.image()[..WRITTEN]);
        Ok(())
    }

    fn restore_image<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        self.check_alignment(operation, IMAGE)?;
        let place = self.place_of(bus, operation, IMAGE as u32, Access::Read)?;
        let mut image = [0; IMAGE];
        place.read_bytes(bus, &mut image);
        if image[AT_MXCSR + 2..AT_MXCSR + 4] != [0; 2] {
            return Err(Trap::PROTECTION);
        }
        self.fpu = Fpu::from_image(&image);
        Ok(())
    }

    /// Notes exceptions; traps if one is unmasked. Those found after the result count
    /// only if none found before prevents it.
    fn sse_raise(&mut self, flags: u8) -> Result<(), Trap> {
        let unmasked = self.fpu.sse_unmasked();
        let flags = match flags & flag::BEFORE {
            before if before & unmasked != 0 => before,
            _ => flags,
        };
        self.fpu.mxcsr |= u32::from(flags);
        if flags & unmasked != 0 {
            return Err(Trap::SIMD);
        }
        Ok(())
    }
}

impl Fpu {
    /// No x87 register is empty: what every MMX instruction leaves.
    fn fill(&mut self) {
        self.valid = 0xff;
        self.set_top(0);
    }

    /// All x87 registers are empty.
    fn empty(&mut self) {
        self.valid = 0;
        self.set_top(0);
    }

    fn sse_unmasked(&self) -> u8 {
        !(self.mxcsr >> 7) as u8 & 0x3f
    }

    /// How SSE rounds to a format.
    fn sse_rules(&self, format: Format) -> Rules {
        Rules {
            family: Family::Sse,
            mode: Mode::from_bits(self.mxcsr >> 13),
            precision: format.precision,
            range: format,
            unmasked: self.sse_unmasked(),
            flush: self.mxcsr >> 15 & 1 != 0,
            wrap: false,
        }
    }

    /// An operand of SSE arithmetic, where denormals may count as zero.
    fn sse_operand(&self, format: Format, bits: u128) -> Number {
        let number = format.unpack(bits);
        if self.mxcsr >> 6 & 1 != 0 {
            number.without_denormal()
        } else {
            number
        }
    }
}
