//! x87 instructions: what each is, and those that only move registers.
//!
//! The hard thing is what an empty register does to each of them: most set the
//! result to the default NaN and pop all the same.

mod compute;
mod memory;
mod partial;

use super::arithmetic::Binary;
use super::environment::Control;
use super::number::{EXTENDED, INTEGER, Kind, Number};
use super::rounding::Mode;
use super::stack::{C0, C1, C2, C3};
use super::{Fpu, memory_size};
use crate::bus::Bus;
use crate::decode::{Operand, Operation};
use crate::processor::Processor;
use crate::trap::Trap;
use iced_x86::{MemorySize, Mnemonic};

/// What an x87 instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Arithmetic {
        binary: Binary,
        reversed: bool,
        pops: u8,
    },
    Compare {
        quiet: bool,
        pops: u8,
        to_flags: bool,
    },
    Test,
    Examine,
    Load,
    LoadDecimal,
    Constant(Constant),
    Store {
        pops: u8,
    },
    StoreInteger {
        truncate: bool,
        pops: u8,
    },
    StoreDecimal,
    Exchange,
    Free {
        pops: u8,
    },
    /// Moves if the flags in `which` are, in any of them, as `wanted`.
    Move {
        which: u32,
        wanted: bool,
    },
    Turn(u16),
    Negate,
    Absolute,
    Root,
    Round,
    Scale,
    Remainder {
        nearest: bool,
    },
    Extract,
    Nothing,
    Control(Control),
}

/// A constant, rounded down, and whether the nearest one is the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Constant {
    exponent: u16,
    significand: u64,
    next: Option<bool>,
}

const fn constant(exponent: u16, significand: u64, next: Option<bool>) -> Step {
    Step::Constant(Constant {
        exponent,
        significand,
        next,
    })
}

impl Step {
    /// What the operation is, if it is an x87 instruction.
    pub(super) fn new(operation: &Operation) -> Option<Step> {
        if matches!(
            memory_size(operation),
            MemorySize::FpuEnv14 | MemorySize::FpuState94
        ) {
            return None;
        }
        arithmetic(operation.mnemonic)
            .or_else(|| comparison(operation.mnemonic))
            .or_else(|| movement(operation.mnemonic))
            .or_else(|| on_top(operation.mnemonic))
            .or_else(|| Control::new(operation.mnemonic).map(Step::Control))
    }

    /// Whether it traps if an unmasked exception is pending.
    fn waits(self) -> bool {
        match self {
            Step::Control(control) => control.waits(),
            _ => true,
        }
    }
}

fn arithmetic(mnemonic: Mnemonic) -> Option<Step> {
    use Mnemonic::*;
    let (binary, reversed, pops) = match mnemonic {
        Fadd | Fiadd => (Binary::Add, false, 0),
        Faddp => (Binary::Add, false, 1),
        Fsub | Fisub => (Binary::Sub, false, 0),
        Fsubp => (Binary::Sub, false, 1),
        Fsubr | Fisubr => (Binary::Sub, true, 0),
        Fsubrp => (Binary::Sub, true, 1),
        Fmul | Fimul => (Binary::Mul, false, 0),
        Fmulp => (Binary::Mul, false, 1),
        Fdiv | Fidiv => (Binary::Div, false, 0),
        Fdivp => (Binary::Div, false, 1),
        Fdivr | Fidivr => (Binary::Div, true, 0),
        Fdivrp => (Binary::Div, true, 1),
        _ => return None,
    };
    Some(Step::Arithmetic {
        binary,
        reversed,
        pops,
    })
}

fn comparison(mnemonic: Mnemonic) -> Option<Step> {
    use Mnemonic::*;
    let (quiet, pops, to_flags) = match mnemonic {
        Fcom | Ficom => (false, 0, false),
        Fcomp | Ficomp => (false, 1, false),
        Fcompp => (false, 2, false),
        Fucom => (true, 0, false),
        Fucomp => (true, 1, false),
        Fucompp => (true, 2, false),
        Fcomi => (false, 0, true),
        Fcomip => (false, 1, true),
        Fucomi => (true, 0, true),
        Fucomip => (true, 1, true),
        Ftst => return Some(Step::Test),
        Fxam => return Some(Step::Examine),
        _ => return None,
    };
    Some(Step::Compare {
        quiet,
        pops,
        to_flags,
    })
}

fn movement(mnemonic: Mnemonic) -> Option<Step> {
    use crate::flags::{CF, PF, ZF};
    use Mnemonic::*;
    let moves = |which, wanted| Step::Move { which, wanted };
    Some(match mnemonic {
        Fld | Fild => Step::Load,
        Fbld => Step::LoadDecimal,
        Fst => Step::Store { pops: 0 },
        Fstp => Step::Store { pops: 1 },
        Fist => Step::StoreInteger {
            truncate: false,
            pops: 0,
        },
        Fistp => Step::StoreInteger {
            truncate: false,
            pops: 1,
        },
        Fisttp => Step::StoreInteger {
            truncate: true,
            pops: 1,
        },
        Fbstp => Step::StoreDecimal,
        Fxch => Step::Exchange,
        Ffree => Step::Free { pops: 0 },
        Ffreep => Step::Free { pops: 1 },
        Fcmovb => moves(CF, true),
        Fcmove => moves(ZF, true),
        Fcmovbe => moves(CF | ZF, true),
        Fcmovu => moves(PF, true),
        Fcmovnb => moves(CF, false),
        Fcmovne => moves(ZF, false),
        Fcmovnbe => moves(CF | ZF, false),
        Fcmovnu => moves(PF, false),
        Fincstp => Step::Turn(1),
        Fdecstp => Step::Turn(7),
        _ => return None,
    })
}

fn on_top(mnemonic: Mnemonic) -> Option<Step> {
    use Mnemonic::*;
    Some(match mnemonic {
        Fldz => constant(0, 0, None),
        Fld1 => constant(0x3fff, INTEGER, None),
        Fldl2t => constant(0x4000, 0xd49a_784b_cd1b_8afe, Some(false)),
        Fldl2e => constant(0x3fff, 0xb8aa_3b29_5c17_f0bb, Some(true)),
        Fldpi => constant(0x4000, 0xc90f_daa2_2168_c234, Some(true)),
        Fldlg2 => constant(0x3ffd, 0x9a20_9a84_fbcf_f798, Some(true)),
        Fldln2 => constant(0x3ffe, 0xb172_17f7_d1cf_79ab, Some(true)),
        Fchs => Step::Negate,
        Fabs => Step::Absolute,
        Fsqrt => Step::Root,
        Frndint => Step::Round,
        Fscale => Step::Scale,
        Fprem => Step::Remainder { nearest: false },
        Fprem1 => Step::Remainder { nearest: true },
        Fxtract => Step::Extract,
        Fnop | Wait => Step::Nothing,
        _ => return None,
    })
}

impl Processor {
    /// Executes an x87 instruction.
    pub(super) fn x87<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        step: Step,
    ) -> Result<(), Trap> {
        if step.waits() && self.fpu.is_pending() {
            return Err(Trap::X87);
        }
        match step {
            Step::Arithmetic {
                binary,
                reversed,
                pops,
            } => self.x87_arithmetic(bus, operation, (binary, reversed, pops))?,
            Step::Compare {
                quiet,
                pops,
                to_flags,
            } => self.x87_compare(bus, operation, (quiet, pops, to_flags))?,
            Step::Load => self.x87_load(bus, operation)?,
            Step::LoadDecimal => self.x87_load_decimal(bus, operation)?,
            Step::Store { pops } => self.x87_store(bus, operation, pops)?,
            Step::StoreInteger { truncate, pops } => {
                self.x87_store_integer(bus, operation, truncate, pops)?;
            }
            Step::StoreDecimal => self.x87_store_decimal(bus, operation)?,
            Step::Control(control) => self.x87_control(bus, operation, control)?,
            Step::Move { which, wanted } => {
                let holds = (self.registers.flags.bits() & which != 0) == wanted;
                self.fpu.conditional_move(source(operation), holds);
            }
            Step::Exchange => self.fpu.exchange(source(operation)),
            Step::Free { pops } => self.fpu.release(source(operation), pops),
            _ => self.fpu.alone(step),
        }
        Ok(())
    }
}

/// The register of the stack that is not on top, of a form that has one.
fn source(operation: &Operation) -> u8 {
    match (operation.to, operation.from) {
        (_, Operand::Stack(index)) | (Operand::Stack(index), _) => index,
        _ => 1,
    }
}

impl Fpu {
    /// Executes what has no operand besides the stack.
    fn alone(&mut self, step: Step) {
        match step {
            Step::Test => self.test(),
            Step::Examine => self.examine(),
            Step::Constant(constant) => self.push_constant(constant),
            Step::Turn(by) => {
                self.condition(C1, 0);
                self.set_top(self.top() + by);
            }
            Step::Negate => self.sign(|bits| bits ^ 1 << 79),
            Step::Absolute => self.sign(|bits| bits & !(1 << 79)),
            Step::Root => self.root(),
            Step::Round => self.round(),
            Step::Scale => self.scale(),
            Step::Remainder { nearest } => self.remainder(nearest),
            Step::Extract => self.extract(),
            _ => {}
        }
    }

    fn conditional_move(&mut self, from: u8, holds: bool) {
        match (self.get(0), self.get(from)) {
            (Some(_), Some(value)) if holds => self.set(0, value),
            (Some(_), Some(_)) => {}
            _ => self.underflow(0, 0),
        }
    }

    fn exchange(&mut self, with: u8) {
        self.condition(C1, 0);
        let pair = (self.get(0), self.get(with));
        if (pair.0.is_none() || pair.1.is_none()) && !self.stack_fault(false) {
            return;
        }
        let default = EXTENDED.pack(Number::DEFAULT_NAN);
        self.set(0, pair.1.unwrap_or(default));
        self.set(with, pair.0.unwrap_or(default));
    }

    fn release(&mut self, index: u8, pops: u8) {
        self.condition(C1, 0);
        self.free(index);
        for _ in 0..pops {
            self.pop();
        }
    }

    /// Changes the sign only, of whatever is there.
    fn sign(&mut self, change: impl Fn(u128) -> u128) {
        self.condition(C1, 0);
        match self.get(0) {
            Some(bits) => self.set(0, change(bits)),
            None => self.underflow(0, 0),
        }
    }

    fn push_constant(&mut self, constant: Constant) {
        let next = match (self.mode(), constant.next) {
            (Mode::Nearest, Some(next)) => next,
            (Mode::Up, Some(_)) => true,
            _ => false,
        };
        let significand = constant.significand + u64::from(next);
        self.push(u128::from(constant.exponent) << 64 | u128::from(significand));
    }

    /// Says what kind of number is on top.
    fn examine(&mut self) {
        let bits = self.registers[usize::from(self.top())];
        let number = EXTENDED.unpack(bits);
        let class = match (self.get(0), number.kind) {
            (None, _) => C3 | C0,
            (_, Kind::Unsupported) => 0,
            (_, Kind::Nan) => C0,
            (_, Kind::Infinite) => C2 | C0,
            (_, Kind::Zero) => C3,
            (_, Kind::Finite) if number.denormal => C3 | C2,
            (_, Kind::Finite) => C2,
        };
        let sign = if number.negative { C1 } else { 0 };
        self.condition(C0 | C1 | C2 | C3, class | sign);
    }
}
