//! One call, made on the machine and on the model.
//!
//! The hard thing is everything that must *not* have happened: a failed call
//! changed nothing, a printed text is exactly the caller's, a fresh page shows
//! nobody's secrets. And now and then a call is made while no frame is to be
//! had, or by the fast way in.

use super::snapshot::Snapshot;
use super::{Driver, Mismatch, Words};
use crate::machine::call::{Answer, set_call};
use crate::mmu::walk;
use crate::model::Expected;
use abi::Call;
use abi::layout::{PGSIZE, USTACKTOP};
use kcore::{CpuId, Event, PhysMem};

impl Driver<'_> {
    pub(super) fn make_call(&mut self, cpu: CpuId, words: Words) -> Result<(), Mismatch> {
        let id = self.env_on(cpu);
        let personality = self.model.envs[&id].personality;
        let (call, arguments) = self.choose(id, words);
        let Some(number) = personality.number(call) else {
            return Ok(());
        };
        set_call(&mut self.machine.cpu_mut(cpu).frame, number, arguments);
        let fast = (words[7] / 8).is_multiple_of(4);
        let event = if fast && self.pass_on_stack(cpu, id, arguments[4]) {
            Event::FastSyscall
        } else {
            Event::Syscall
        };
        // An allowance of frames is a test's affair; a log knows nothing of it.
        let often = if call == Call::IpcTrySend { 3 } else { 8 };
        let starved = words[7].is_multiple_of(often) && self.machine.log.is_none();
        if starved {
            self.machine.kernel.frames_mut().refuse_after(0);
        }
        let quiet = !self.machine.kernel.has_leftovers();
        let text = (call == Call::Cputs).then(|| self.text_at(cpu, arguments));
        let printed = self.machine.uart.output.len();
        let before = Snapshot::take(&mut self.machine);
        let answer = self.machine.call_by(cpu, personality, event);
        let changed = before.has_changed(&mut self.machine);
        let expected = if starved {
            self.machine.kernel.frames_mut().refuse_none();
            self.model.call_without_memory(id, call, arguments)
        } else {
            self.model.call(id, call, arguments)
        };
        self.statistics.count(call, answer, changed, starved);
        self.statistics.alive += self.model.envs.len() as u64;

        if !agree(expected, answer) {
            return Err(Mismatch::Answer {
                call,
                arguments,
                expected,
                answer,
            });
        }
        let output = &self.machine.uart.output[printed..];
        if matches!(answer, Answer::Value(_)) && text.is_some_and(|text| text != output) {
            return Err(Mismatch::State("something else was printed".into()));
        }
        if quiet && matches!(answer, Answer::Failed(_)) && changed {
            return Err(Mismatch::FailureChanged(call));
        }
        if call == Call::PageAlloc && answer == Answer::Value(0) {
            self.check_fresh(id, arguments)?;
        }
        Ok(())
    }

    /// The bytes at a range of addresses, as far as there are any, up to a NUL.
    fn text_at(&self, cpu: CpuId, [ptr, len, ..]: [u32; 5]) -> Vec<u8> {
        let memory = self.machine.kernel.memory();
        let byte_at = |va: u32| {
            let frame = walk(memory, self.machine.cpu(cpu).cr3, va)?.frame;
            let word = memory.read(frame.address() + va % PGSIZE / 4 * 4);
            Some(word.to_le_bytes()[va as usize % 4])
        };
        let bytes = (0..len).map_while(|offset| byte_at(ptr.wrapping_add(offset)));
        bytes.take_while(|&byte| byte != 0).collect()
    }

    /// Puts a call's fifth argument on the stack of the environment on `cpu`,
    /// where a fast call has it, if there is a stack. In its register is then
    /// something else.
    fn pass_on_stack(&mut self, cpu: CpuId, id: u32, argument: u32) -> bool {
        let page = USTACKTOP - PGSIZE;
        if !self.model.envs[&id].pages.contains_key(&page) {
            return false;
        }
        let frame = self.frame_at(id, page);
        let memory = self.machine.kernel.mem();
        memory.write(frame.address() + PGSIZE - 8, argument);
        let registers = &mut self.machine.cpu_mut(cpu).frame;
        registers.esp = USTACKTOP - 8;
        registers.regs.esi = registers.eip;
        true
    }
}

/// Whether what the kernel did is what the model says.
fn agree(expected: Expected, answer: Answer) -> bool {
    match (expected, answer) {
        (Expected::Value(value), Answer::Value(got)) => value == got,
        (Expected::Fails(error), Answer::Failed(got)) => error == got,
        (Expected::Yields, Answer::Value(0) | Answer::Left(_)) => true,
        (Expected::Leaves, Answer::Left(_)) => true,
        _ => false,
    }
}
