//! Executes instructions until something happens.
//!
//! The hard thing is where eip stands when it does. Every instruction runs with eip
//! behind it; a fault puts it back, a trap leaves it. And a store may change the very
//! block that is being executed, so each instruction first asks whether that is
//! still what memory holds.

use crate::bus::{Access, Bus};
use crate::cache::{Block, Cache};
use crate::decode::{LONGEST, Operation, decode};
use crate::flags::TF;
use crate::memory::PAGE;
use crate::processor::Processor;
use crate::trap::Trap;
use crate::unit::Unit;
use crate::way::Way;

impl Processor {
    /// Executes at most `budget` instructions; an element of a repeated string
    /// instruction counts as one. Returns how many were executed, the one that
    /// faulted or called the kernel not counted, and why it stopped before, if it did.
    pub fn run<B: Bus>(
        &mut self,
        cache: &mut Cache,
        bus: &mut B,
        budget: u64,
    ) -> (u64, Option<Trap>) {
        let mut done = 0;
        while done < budget {
            let result = if self.registers.flags.has(TF) {
                self.single_step(bus, &mut done)
            } else {
                self.run_block(cache, bus, budget, &mut done)
            };
            if let Err(trap) = result {
                return (done, Some(trap));
            }
        }
        (done, None)
    }

    /// Executes straight code from eip on.
    #[inline(always)]
    fn run_block<B: Bus>(
        &mut self,
        cache: &mut Cache,
        bus: &mut B,
        budget: u64,
        done: &mut u64,
    ) -> Result<(), Trap> {
        let pa = bus.translate(self.registers.eip, Access::Fetch)?;
        let block = cache.block(bus, pa);
        if block.operations.is_empty() {
            self.step(bus)?;
            *done += 1;
            return Ok(());
        }
        let (mut eip, mut count) = (self.registers.eip, *done);
        let result = self.run_straight(bus, block, &mut eip, budget, &mut count);
        (self.registers.eip, *done) = (eip, count);
        result
    }

    /// Executes a block from its beginning, which is at `eip`. That and `done` are kept
    /// apart meanwhile, where the next instruction finds them sooner.
    #[inline(always)]
    fn run_straight<B: Bus>(
        &mut self,
        bus: &mut B,
        block: &Block,
        eip: &mut u32,
        budget: u64,
        done: &mut u64,
    ) -> Result<(), Trap> {
        for operation in &block.operations {
            let start = *eip;
            let next = start.wrapping_add(operation.length.into());
            if operation.way == Way::General {
                self.execute_at(bus, operation, eip)?;
                // A repeated string instruction stays where it is.
                while *eip == start && operation.unit == Unit::String && *done + 1 < budget {
                    *done += 1;
                    *done += self.several(bus, operation, budget - *done - 1);
                    self.execute_at(bus, operation, eip)?;
                }
            } else {
                *eip = self.quick(bus, operation, next)?;
            }
            *done += 1;
            let goes_on = *eip == next && *done < budget;
            if !goes_on || operation.writes && !block.is_unchanged(bus) {
                break;
            }
        }
        Ok(())
    }

    /// Executes an instruction by its unit, with eip elsewhere.
    #[inline(always)]
    fn execute_at<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        eip: &mut u32,
    ) -> Result<(), Trap> {
        self.registers.eip = *eip;
        let result = self.execute(bus, operation);
        *eip = self.registers.eip;
        result
    }

    /// Executes one instruction with TF set, which traps after it, even if it clears
    /// TF. It counts: it has been executed.
    ///
    /// `mov` and `pop` to ss put the trap off until after the next instruction (Intel SDM
    /// volume 3, 6.8.3), so that esp can follow. The next one executes with TF set too, so
    /// nothing has to be remembered. If that is another of them, the manual leaves it
    /// open, and QEMU puts the trap off again; so does this.
    #[cold]
    fn single_step<B: Bus>(&mut self, bus: &mut B, done: &mut u64) -> Result<(), Trap> {
        let operation = self.step(bus)?;
        *done += 1;
        match operation.puts_traps_off() {
            true => Ok(()),
            false => Err(Trap::DEBUG),
        }
    }

    /// Decodes one instruction, wherever it is, and executes it.
    #[cold]
    pub(crate) fn step<B: Bus>(&mut self, bus: &mut B) -> Result<Operation, Trap> {
        let operation = self.fetch(bus)?;
        self.execute(bus, &operation)?;
        Ok(operation)
    }

    /// Decodes the instruction at eip, which may lie in two pages. The second page
    /// is only looked at if the instruction reaches into it.
    fn fetch<B: Bus>(&mut self, bus: &mut B) -> Result<Operation, Trap> {
        let eip = self.registers.eip;
        let mut bytes = [0; LONGEST];
        let mut length = 0;
        let mut pa = bus.translate(eip, Access::Fetch)?;
        loop {
            while length < LONGEST {
                bytes[length] = bus.code8(pa);
                length += 1;
                pa += 1;
                if pa.is_multiple_of(PAGE) {
                    break;
                }
            }
            if let Some(operation) = decode(&bytes[..length]) {
                return Ok(operation);
            }
            let next = eip.wrapping_add(length as u32);
            pa = bus.translate(next, Access::Fetch)?;
        }
    }

    /// Executes an instruction. A fault leaves eip at it.
    #[inline(never)]
    fn execute<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        let start = self.registers.eip;
        self.registers.eip = start.wrapping_add(operation.length.into());
        let result = match operation.unit {
            Unit::Arithmetic => self.arithmetic(bus, operation),
            Unit::Move => self.transfer(bus, operation),
            Unit::Condition => self.on_condition(bus, operation),
            Unit::Stack => self.stack(bus, operation),
            Unit::Jump => self.jump(bus, operation),
            Unit::Shift => self.shift(bus, operation),
            Unit::Multiply => self.multiply(bus, operation),
            Unit::Bits => self.bits(bus, operation),
            _ => self.execute_seldom(bus, operation),
        };
        if let Err(trap) = result
            && trap.is_fault()
        {
            self.registers.eip = start;
        }
        result
    }

    fn execute_seldom<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        match operation.unit {
            Unit::String => self.string(bus, operation),
            Unit::Segment => self.segment(bus, operation),
            Unit::System => self.system(bus, operation),
            Unit::Invalid => Err(Trap::INVALID),
            _ => self.float(bus, operation),
        }
    }
}
