//! One processor in ring 3, and what it is told to be.
//!
//! The hard thing is what a program may notice of the kernel around it without any
//! trap: which selectors it may load, which vectors `int` may name, what `cpuid`
//! says. All of that is a value here, [`Model`], and the same in every run.

use crate::float::Fpu;
use crate::registers::{Registers, Segment};

/// What the machine made of its processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Selectors of the flat segments of ring 3, without a privilege level.
    pub code: u16,
    /// As `code`, for data.
    pub data: u16,
    /// Vectors that `int`, `int3` and `into` may name.
    pub gates: &'static [u8],
    /// Whether `sysenter` enters the kernel.
    pub sysenter: bool,
}

/// One processor. It is always in ring 3.
#[derive(Clone, Debug)]
pub struct Processor {
    /// What it is.
    pub model: Model,
    /// General registers, eip, flags, selectors.
    pub registers: Registers,
    /// x87 and SSE registers.
    pub fpu: Fpu,
    /// Whether the program may use those; otherwise their use traps (CR0.TS clear).
    pub fpu_enabled: bool,
}

impl Model {
    /// Whether data can be reached through a segment register with this selector,
    /// and whether it can be written.
    #[inline(always)]
    pub(crate) const fn reaches(&self, selector: u16) -> Option<Reach> {
        let index = selector & !3;
        if index == self.data {
            Some(Reach::Write)
        } else if index == self.code {
            Some(Reach::Read)
        } else {
            None
        }
    }
}

/// What may be done through a segment register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Read,
    Write,
}

impl Processor {
    /// What may be done through `segment` now; nothing if its selector is null.
    #[inline(always)]
    pub(crate) const fn reach(&self, segment: Segment) -> Option<Reach> {
        self.model.reaches(self.registers.selector(segment))
    }
}
