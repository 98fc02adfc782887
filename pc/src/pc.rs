//! The machine, and its way through time.
//!
//! Time goes in rounds. In each, every CPU that is in ring 3 executes a number of
//! instructions that the seed gives, one CPU after the other in an order that the
//! seed gives too; the others take the next step of their way through the kernel. An
//! instruction takes a nanosecond.
//!
//! The hard thing is that a CPU on its way through the kernel must wait for others, as
//! a real one does, and yet nothing here may wait: a turn does one thing and returns.

use crate::bus::CpuBus;
use crate::context::{Cpu, Kept};
use crate::crossing::event;
use crate::ide::Ide;
use abi::trap::Vector;
use kcore::{CpuId, Event};
use ring3::{Cache, Trap};
use sim::machine::{Machine, Mode};
use sim::random::Stream;
use std::collections::VecDeque;

/// The fewest instructions of a CPU in a round of several.
const SHORTEST: u64 = 32;
/// As [`SHORTEST`], the most.
const LONGEST: u64 = 160;
/// Instructions in a round of a machine with one CPU.
const ALONE: u64 = 2000;
/// How long the console takes for what it is given at once, in nanoseconds: sixteen
/// bytes at 640,000 bits a second. A real serial port has a fifth of that at most, but
/// programs would wait for it longer than people want to.
const CONSOLE_TIME: u64 = 250_000;

/// What decides a run, beside its programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Where its random numbers begin.
    pub seed: u64,
}

/// A machine that runs programs.
pub struct Pc<'t> {
    /// The kernel, memory, and the CPUs as the kernel sees them.
    pub machine: Machine<'t>,
    /// The disk, if one is attached.
    pub disk: Option<Ide>,
    pub(crate) cpus: Vec<Cpu>,
    cache: Cache,
    random: Stream,
    pub(crate) kept: Kept,
    input: VecDeque<u8>,
    /// When the console will have taken what it was given.
    console_due: Option<u64>,
    executed: u64,
}

impl<'t> Pc<'t> {
    /// A PC around a machine that was just made; its programs may be booted before
    /// or after.
    pub fn new(mut machine: Machine<'t>, config: Config) -> Pc<'t> {
        machine.uart.instant = false;
        Pc {
            cpus: vec![Cpu::new(); machine.cpus.len()],
            machine,
            disk: None,
            cache: Cache::default(),
            random: Stream::new(config.seed),
            kept: Kept::default(),
            input: VecDeque::new(),
            console_due: None,
            executed: 0,
        }
    }

    /// Whether the run is over.
    pub fn has_ended(&self) -> bool {
        self.machine.end.is_some()
    }

    /// How many instructions all programs together have executed.
    pub fn executed(&self) -> u64 {
        self.executed
    }

    /// Types something on the console.
    pub fn type_in(&mut self, bytes: &[u8]) {
        self.input.extend(bytes);
    }

    /// What was printed since the last time.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.machine.uart.output)
    }

    /// Whether nothing moves any more: all CPUs wait for an interrupt, and none will
    /// come before somebody types.
    pub fn is_asleep(&self) -> bool {
        self.input.is_empty() && !self.machine.uart.busy && self.all_idle()
    }

    /// One round.
    pub fn round(&mut self) {
        let count = self.cpus.len() as u64;
        let length = if count == 1 {
            ALONE
        } else {
            SHORTEST + self.draw_below(LONGEST - SHORTEST)
        };
        let first = self.draw_below(count);
        for turn in 0..count {
            let cpu = CpuId(((first + turn) % count) as u8);
            self.take_turn(cpu, length);
        }
        self.machine.now += length;
        if let Some(due) = self.console_due
            && self.all_idle()
        {
            // Nothing happens before.
            self.machine.now = self.machine.now.max(due);
        }
    }

    /// A number below `limit`, which is not 0.
    fn draw_below(&mut self, limit: u64) -> u64 {
        u64::from(self.random.word()) % limit
    }

    /// Whether all CPUs wait for an interrupt, and none is on its way from another.
    fn all_idle(&self) -> bool {
        let mut cpus = self.machine.cpus.iter();
        cpus.all(|cpu| cpu.mode == Mode::Idle && !cpu.ipi)
    }

    /// One CPU does what it can in a round.
    fn take_turn(&mut self, cpu: CpuId, length: u64) {
        match self.machine.cpu(cpu).mode {
            Mode::User => self.in_ring3(cpu, length),
            Mode::Serving => self.answer(cpu),
            Mode::Waiting(_) if self.machine.holder.is_none() => self.machine.enter(cpu),
            Mode::Waiting(_) if self.machine.cpu(cpu).mail.is_some() => self.answer(cpu),
            Mode::Waiting(_) | Mode::Performing | Mode::Off => {}
            Mode::Idle => self.while_idle(cpu),
        }
    }

    fn answer(&mut self, cpu: CpuId) {
        self.machine.answer(cpu);
        if self.machine.holder.is_some() && self.machine.is_answered() {
            self.machine.finish();
        }
    }

    fn while_idle(&mut self, cpu: CpuId) {
        if self.machine.cpu(cpu).ipi {
            self.machine.deliver(cpu);
        } else if self.console_interrupts(cpu) {
            self.machine.console_ready(cpu);
        } else if let Some(byte) = self.typed(cpu) {
            self.machine.cpu_mut(cpu).mode = Mode::Waiting(Event::ConsoleInput { byte });
        }
    }

    /// Whether the console interrupts `cpu` now, because it has taken what it was given.
    /// Such an interrupt enters the kernel at once, for which the lock must be free.
    fn console_interrupts(&mut self, cpu: CpuId) -> bool {
        if cpu.0 != 0 || !self.machine.uart.busy {
            return false;
        }
        let now = self.machine.now;
        let due = *self.console_due.get_or_insert(now + CONSOLE_TIME);
        let interrupts = due <= now && self.machine.holder.is_none();
        if interrupts {
            self.console_due = None;
        }
        interrupts
    }

    /// The next byte that was typed, on the CPU that hears of it.
    fn typed(&mut self, cpu: CpuId) -> Option<u8> {
        (cpu.0 == 0).then(|| self.input.pop_front()).flatten()
    }

    /// An interrupt, if one is due; else instructions.
    fn in_ring3(&mut self, cpu: CpuId, length: u64) {
        let own = self.machine.cpu(cpu);
        if own.ipi {
            self.unload(cpu);
            self.machine.deliver(cpu);
        } else if own.due.is_some_and(|due| due <= self.machine.now) {
            self.unload(cpu);
            self.machine.cpu_mut(cpu).frame.trapno = Vector::TIMER.0;
            self.machine.trap(cpu, Event::Timer);
        } else if self.console_interrupts(cpu) {
            self.unload(cpu);
            self.machine.console_ready(cpu);
        } else if let Some(byte) = self.typed(cpu) {
            self.unload(cpu);
            self.machine.trap(cpu, Event::ConsoleInput { byte });
        } else {
            self.execute(cpu, length);
        }
    }

    fn execute(&mut self, cpu: CpuId, length: u64) {
        self.load(cpu);
        let Pc {
            machine,
            cpus,
            cache,
            disk,
            ..
        } = self;
        let own = &mut cpus[cpu.0 as usize];
        let stamp = machine.now;
        let mut bus = CpuBus {
            machine,
            cpu,
            recent: &mut own.recent,
            stamp,
            disk: disk.as_mut(),
        };
        let (done, trap) = own.processor.run(cache, &mut bus, length);
        self.executed += done;
        if let Some(trap) = trap {
            self.trap(cpu, trap);
        }
    }

    fn trap(&mut self, cpu: CpuId, trap: Trap) {
        self.unload(cpu);
        let event = event(&mut self.machine.cpu_mut(cpu).frame, trap);
        self.machine.trap(cpu, event);
    }
}
