//! A whole system call at once, for tests that are not about interleavings.
//!
//! The hard thing is that a call need not return: its caller may wait, be
//! replaced on the CPU, or be dead. [`Answer`] says which.

use super::{Machine, Mode};
use abi::trap::Vector;
use abi::{Call, EnvId, Error, Personality, TrapFrame};
use kcore::{CpuId, Event};

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It returned this.
    Value(u32),
    /// It failed with this, in the terms of the caller's personality.
    Failed(Error),
    /// The caller is not on the CPU any more: this is.
    Left(Option<EnvId>),
}

/// Puts a call into registers.
pub fn set_call(frame: &mut TrapFrame, number: u32, arguments: [u32; 5]) {
    let [a1, a2, a3, a4, a5] = arguments;
    let regs = &mut frame.regs;
    (regs.edx, regs.ecx, regs.ebx, regs.edi, regs.esi) = (a1, a2, a3, a4, a5);
    regs.eax = number;
    frame.trapno = Vector::SYSCALL.0;
    frame.err = 0;
}

/// What a result in eax means.
pub fn decode(personality: Personality, eax: u32) -> Result<u32, Error> {
    let negated = eax.wrapping_neg();
    let known = |error: &Error| personality.error_value(*error) == negated;
    match Error::ALL.into_iter().find(known) {
        Some(error) if eax.cast_signed() < 0 => Err(error),
        _ => Ok(eax),
    }
}

impl Machine<'_> {
    /// The environment on `cpu`, of lab 4, makes a call, and every CPU that
    /// this concerns obeys at once.
    pub fn call(&mut self, cpu: CpuId, call: Call, arguments: [u32; 5]) -> Answer {
        self.call_as(cpu, Personality::Lab4, call, arguments)
    }

    /// As [`Machine::call`], by an environment of another personality.
    pub fn call_as(
        &mut self,
        cpu: CpuId,
        personality: Personality,
        call: Call,
        arguments: [u32; 5],
    ) -> Answer {
        let number = personality.number(call).unwrap_or(u32::MAX);
        self.call_number(cpu, personality, number, arguments)
    }

    /// As [`Machine::call_as`], by number.
    pub fn call_number(
        &mut self,
        cpu: CpuId,
        personality: Personality,
        number: u32,
        arguments: [u32; 5],
    ) -> Answer {
        set_call(&mut self.cpu_mut(cpu).frame, number, arguments);
        self.call_by(cpu, personality, Event::Syscall)
    }

    /// The call in the registers is made, by `event`.
    pub fn call_by(&mut self, cpu: CpuId, personality: Personality, event: Event) -> Answer {
        let caller = self.env_on(cpu);
        self.run_event(cpu, event);
        let now = self.env_on(cpu);
        if now != caller || self.cpu(cpu).mode != Mode::User {
            return Answer::Left(now);
        }
        match decode(personality, self.cpu(cpu).frame.regs.eax) {
            Ok(value) => Answer::Value(value),
            Err(error) => Answer::Failed(error),
        }
    }

    /// An event interrupts `cpu`, in user mode or idle, and is handled.
    pub fn run_event(&mut self, cpu: CpuId, event: Event) {
        assert!(matches!(self.cpu(cpu).mode, Mode::User | Mode::Idle));
        self.cpu_mut(cpu).mode = Mode::Waiting(event);
        self.enter(cpu);
        self.complete();
    }

    /// A quantum passes, and `cpu`'s timer says so.
    pub fn tick(&mut self, cpu: CpuId) {
        self.now += self.kernel.config().quantum;
        self.run_event(cpu, Event::Timer);
    }

    /// Whatever is dead is taken apart; `cpu` does it.
    pub fn clean_up(&mut self, cpu: CpuId) {
        while self.kernel.has_leftovers() && self.end.is_none() {
            self.run_event(cpu, Event::Wake);
        }
    }
}
