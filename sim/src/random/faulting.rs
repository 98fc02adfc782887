//! A page fault or another exception, on the machine and in the model.
//!
//! The hard thing is to look at bytes: a handler's frame may lie anywhere, on two
//! pages, or on a page that is also mapped elsewhere, and nothing beside the frame
//! may have changed. And when the fault ends the environment, the kernel must
//! print why.

use super::comparison::slot_of;
use super::{Driver, Mismatch, Words};
use crate::mmu::walk;
use crate::model::{Fault, Model};
use abi::Error;
use abi::layout::{PGSIZE, USTACKTOP, UTOP, UXSTACKTOP};
use abi::trap::{FLAG_NT, FLAG_RF, USER_FLAGS, Vector};
use kcore::{CpuId, PhysMem};
use std::collections::BTreeMap;

impl Driver<'_> {
    /// A program uses memory that is unmapped or read-only. Its handler must find
    /// what the model says, or it must end as the model says.
    pub(super) fn fault(
        &mut self,
        cpu: CpuId,
        va: u32,
        write: bool,
        words: Words,
    ) -> Result<(), Mismatch> {
        let id = self.env_on(cpu);
        let has_handler = self.model.envs[&id].upcall != 0 || self.model.handles(id, 14);
        if !self.may_raise(id, has_handler, words) {
            return Ok(());
        }
        self.choose_registers(cpu, USER_FLAGS | FLAG_RF, words);
        self.machine.page_fault(cpu, va, write);
        self.go_through(cpu, "page fault", has_handler, |model| {
            model.page_fault(id, va)
        })
    }

    /// A program raises an exception that is no page fault.
    pub(super) fn exception(
        &mut self,
        cpu: CpuId,
        vector: Vector,
        words: Words,
    ) -> Result<(), Mismatch> {
        let id = self.env_on(cpu);
        let has_handler = self.model.handles(id, vector.0);
        if !self.may_raise(id, has_handler, words) {
            return Ok(());
        }
        self.choose_registers(cpu, USER_FLAGS | FLAG_RF | FLAG_NT, words);
        self.machine.exception(cpu, vector, words[4]);
        self.go_through(cpu, "exception", has_handler, |model| {
            model.exception(id, vector.0)
        })
    }

    /// Whether `id` may fault: it survives, or others are left and it is its turn.
    fn may_raise(&self, id: u32, has_handler: bool, words: Words) -> bool {
        let pages = &self.model.envs[&id].pages;
        let has_stack = pages.contains_key(&(UXSTACKTOP - PGSIZE));
        has_handler && has_stack || !self.is_alone() && words[5].is_multiple_of(16)
    }

    /// Gives the program registers to fault with, and some of these flags.
    fn choose_registers(&mut self, cpu: CpuId, flags: u32, words: Words) {
        let frame = &mut self.machine.cpu_mut(cpu).frame;
        frame.esp = match words[5] / 8 % 16 {
            0 => stack_pointer(words[6]),
            1 => words[6],
            2..=4 => USTACKTOP - words[6] % PGSIZE,
            _ => frame.esp,
        };
        frame.eflags = frame.eflags & !USER_FLAGS | words[7] & flags;
        self.work(cpu, words[3]);
    }

    /// The CPU, which waits for the lock because of a fault, goes through the kernel.
    fn go_through(
        &mut self,
        cpu: CpuId,
        name: &'static str,
        has_handler: bool,
        expect: impl FnOnce(&mut Model) -> Fault,
    ) -> Result<(), Mismatch> {
        let id = self.env_on(cpu);
        self.model.enter(id, &self.machine.cpu(cpu).frame);
        let esp = self.machine.cpu(cpu).frame.esp;
        let printed = self.machine.uart.output.len();
        let before = self.bytes_around(id, esp);
        self.machine.enter(cpu);
        self.machine.complete();
        let expected = expect(&mut self.model);
        let result = match (&expected, has_handler) {
            (Fault::Handled(..), _) => 0,
            (Fault::Ends, true) => Error::Fault as u32,
            (Fault::Ends, false) => Error::BadEnv as u32,
        };
        self.statistics.note(name, result);
        let Fault::Handled(place, words) = expected else {
            self.expect_obituary(printed);
            return Ok(());
        };
        let mut wanted = before;
        for (at, word) in (place..).step_by(4).zip(words) {
            for (at, byte) in (at..).zip(word.to_le_bytes()) {
                wanted.insert(self.address(id, at), Some(byte));
            }
        }
        if self.bytes_around(id, esp) == wanted {
            Ok(())
        } else {
            Err(Mismatch::State(format!("exception stack at {place:#x}")))
        }
    }

    /// The bytes of `id` near a stack pointer and at the top of its exception stack,
    /// by physical address, as the same page may be mapped at both.
    fn bytes_around(&self, id: u32, esp: u32) -> BTreeMap<Option<u32>, Option<u8>> {
        let near = esp.saturating_sub(80)..esp.saturating_add(8).min(UTOP);
        let addresses = near.chain(UXSTACKTOP - 80..UXSTACKTOP);
        addresses
            .map(|va| (self.address(id, va), self.byte_at(id, va)))
            .collect()
    }

    /// The physical address of `va` in `id`, if it is mapped.
    fn address(&self, id: u32, va: u32) -> Option<u32> {
        let memory = self.machine.kernel.memory();
        let space = self.machine.kernel.envs()[slot_of(id)].space;
        let frame = walk(memory, space.pgdir, va)?.frame;
        Some(frame.address() + va % PGSIZE)
    }

    /// The byte at `va` in `id`, if it is mapped.
    pub(super) fn byte_at(&self, id: u32, va: u32) -> Option<u8> {
        let pa = self.address(id, va)?;
        let word = self.machine.kernel.memory().read(pa & !3);
        Some(word.to_le_bytes()[pa as usize % 4])
    }

    /// Notes the line that must be printed, from `since` on, for the environment
    /// that has just ended.
    pub(super) fn expect_obituary(&mut self, since: usize) {
        let text = self.model.obituary.take();
        self.obituaries.extend(text.map(|text| (since, text)));
    }

    /// Checks that each bad address that ended an environment was printed, once
    /// all output is out.
    pub(super) fn compare_obituaries(&mut self) -> Result<(), Mismatch> {
        if self.machine.uart.busy {
            return Ok(());
        }
        for (since, text) in std::mem::take(&mut self.obituaries) {
            let printed = String::from_utf8_lossy(&self.machine.uart.output[since..]);
            if !printed.contains(&text) {
                return Err(Mismatch::State(format!("not printed: {text}")));
            }
        }
        Ok(())
    }
}

/// A stack pointer near the ends of the exception stack.
fn stack_pointer(word: u32) -> u32 {
    let ends = [UXSTACKTOP - PGSIZE, UXSTACKTOP];
    (ends[word as usize % 2] + word / 2 % 16)
        .wrapping_sub(8)
        .wrapping_add([56, 68, 0, 0, 0][word as usize / 32 % 5])
}
