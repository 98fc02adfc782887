//! A whole system call in one go, for tests that are not about interleavings.
//!
//! The hard thing is that a call need not return: its caller may wait, be
//! replaced on the CPU, or be dead. [`Answer`] says which.

use super::{Machine, Mode};
use abi::trap::Vector;
use abi::{Call, EnvId, Error, Personality, TrapFrame};
use kcore::{CpuId, Event};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It returned this value.
    Value(u32),
    /// It failed with this error, decoded by the caller's personality.
    Failed(Error),
    /// The caller is no longer on the CPU; this environment is.
    Left(Option<EnvId>),
}

/// Loads registers for a call.
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
    /// The environment on `cpu`, of lab 4, makes a call. Every CPU that the call
    /// asks for something obeys at once.
    pub fn call(&mut self, cpu: CpuId, call: Call, arguments: [u32; 5]) -> Answer {
        self.call_as(cpu, Personality::Lab4, call, arguments)
    }

    /// Like [`Machine::call`], by an environment of another personality.
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

    /// Like [`Machine::call_as`], with the call given by its number.
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

    /// Makes the call that the registers hold, entering by `event`.
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

    /// An event interrupts `cpu`, in user mode or idle, and the kernel handles it.
    pub fn run_event(&mut self, cpu: CpuId, event: Event) {
        assert!(matches!(self.cpu(cpu).mode, Mode::User | Mode::Idle));
        self.wait(cpu, event);
        self.enter(cpu);
        self.complete();
    }

    /// A quantum passes, and `cpu`'s timer interrupts.
    pub fn tick(&mut self, cpu: CpuId) {
        self.now += self.kernel.config().quantum;
        self.run_event(cpu, Event::Timer);
    }

    /// Time passes until the next timer of a CPU that idles is due, and it interrupts.
    /// Returns whether there was one.
    pub fn wait_for_alarm(&mut self) -> bool {
        let idles = |cpu: &CpuId| self.cpu(*cpu).mode == Mode::Idle;
        let dues = self.cpu_ids().filter(idles);
        let next = dues.filter_map(|cpu| Some((self.cpu(cpu).due?, cpu))).min();
        let Some((due, cpu)) = next else {
            return false;
        };
        self.now = self.now.max(due);
        self.run_event(cpu, Event::Timer);
        true
    }

    /// Lets `cpu` take apart all dead address spaces.
    pub fn clean_up(&mut self, cpu: CpuId) {
        while self.kernel.has_leftovers() && self.end.is_none() {
            self.run_event(cpu, Event::Wake);
        }
    }
}
