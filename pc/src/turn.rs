//! One turn of one CPU.
//!
//! What a CPU must do comes first: an interrupt that is due, the next thing on its way
//! through the kernel. Only then does it execute. The hard thing is a turn that is cut
//! short: it must go on later as if nothing had been, so what is left of it is kept and
//! the question what must be done is not asked twice.

use crate::bus::CpuBus;
use crate::crossing::event;
use crate::pc::Pc;
use crate::plan::{Move, View};
use abi::Call;
use abi::trap::Vector;
use kcore::{CpuId, Event};
use ring3::Trap;
use sim::machine::Mode;

/// How long the console takes for what it is given at once, in nanoseconds: sixteen
/// bytes at 640,000 bits a second. A real serial port has a fifth of that at most, but
/// programs would wait for it longer than people want to.
const CONSOLE_TIME: u64 = 250_000;

/// A CPU that is executing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    cpu: CpuId,
    /// The most instructions to come.
    left: u64,
}

impl Pc<'_> {
    /// Makes at least one position, unless a CPU has nothing to do, and at most `most`;
    /// one more if the last is an instruction that traps after it was executed (TF).
    pub(crate) fn go_on(&mut self, most: u64) {
        self.moved = false;
        self.crossed = false;
        match self.turn.take() {
            Some(turn) => self.execute(turn, most),
            None => self.next_move(most),
        }
    }

    fn next_move(&mut self, most: u64) {
        let view = View {
            machine: &self.machine,
            stores: &self.care.stores,
        };
        let next = self.chosen.take();
        match next.unwrap_or_else(|| self.plan.next(&view)) {
            Move::Turn { cpu, length } => {
                self.pass(length);
                if self.must_do(cpu) {
                    self.made_one(cpu);
                } else if self.machine.cpu(cpu).mode == Mode::User {
                    self.execute(Turn { cpu, left: length }, most);
                }
            }
            Move::Ring(cpu) => {
                self.pass_a_quantum(cpu);
                self.ring(cpu);
                self.made_one(cpu);
            }
            Move::Drain(cpu) => {
                let stores = &mut self.care.stores[cpu.0 as usize];
                stores.drain_one(self.machine.kernel.mem());
                self.made_one(cpu);
            }
        }
    }

    /// Time passes; if nothing can happen before the console is done or a timer rings, as
    /// much as that takes.
    fn pass(&mut self, length: u64) {
        let cpus = self.cpus.len() as u64;
        self.rest += length;
        self.machine.now += self.rest / cpus;
        self.rest %= cpus;
        if self.all_idle()
            && let Some(due) = self.next_interrupt()
        {
            self.machine.now = self.machine.now.max(due);
        }
    }

    /// When the next interrupt comes to the CPUs, which all idle; `None` if that is not
    /// known yet.
    fn next_interrupt(&self) -> Option<u64> {
        let alarm = self.next_alarm();
        match self.console_due {
            Some(due) => Some(alarm.map_or(due, |alarm| alarm.min(due))),
            None if self.machine.uart.busy || !self.input.is_empty() => None,
            None => alarm,
        }
    }

    /// Time passes until the quantum of whoever is on `cpu` is over: a timer that rings
    /// earlier is only started again by the kernel.
    fn pass_a_quantum(&mut self, cpu: CpuId) {
        let kernel = &self.machine.kernel;
        let end = kernel.cpus()[cpu].since + kernel.config().quantum;
        self.machine.now = self.machine.now.max(end);
    }

    /// A position that is not an instruction. On a narrow way, a CPU in the kernel
    /// comes out of it at once.
    fn made_one(&mut self, cpu: CpuId) {
        if self.plan.is_narrow() {
            self.come_out(cpu);
        }
        self.position += 1;
        self.latest = cpu;
        self.crossed = true;
    }

    fn come_out(&mut self, cpu: CpuId) {
        while let Mode::Waiting(_) = self.machine.cpu(cpu).mode {
            self.machine.enter(cpu);
            if let Some(target) = self.machine.holder.and_then(|holder| holder.target()) {
                self.unload(target);
                self.machine.complete();
            }
        }
    }

    /// What `cpu` has to do, if it is anything but to execute.
    fn must_do(&mut self, cpu: CpuId) -> bool {
        match self.machine.cpu(cpu).mode {
            Mode::User => self.is_interrupted(cpu),
            Mode::Serving => self.answer(cpu),
            Mode::Waiting(_) if self.machine.holder.is_none() => {
                self.machine.enter(cpu);
                true
            }
            Mode::Waiting(_) if self.machine.cpu(cpu).mail.is_some() => self.answer(cpu),
            Mode::Waiting(_) | Mode::Performing | Mode::Off => false,
            Mode::Idle => self.is_woken(cpu),
        }
    }

    fn answer(&mut self, cpu: CpuId) -> bool {
        self.machine.answer(cpu);
        if self.machine.holder.is_some() && self.machine.is_answered() {
            self.machine.finish();
        }
        true
    }

    fn is_woken(&mut self, cpu: CpuId) -> bool {
        if self.machine.cpu(cpu).ipi {
            self.machine.deliver(cpu);
        } else if self.console_interrupts(cpu) {
            self.machine.console_ready(cpu);
        } else if let Some(byte) = self.typed(cpu) {
            self.machine.wait(cpu, Event::ConsoleInput { byte });
        } else if self
            .machine
            .cpu(cpu)
            .due
            .is_some_and(|due| due <= self.machine.now)
        {
            self.machine.wait(cpu, Event::Timer);
        } else {
            return false;
        }
        true
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

    /// Whether an interrupt came to a CPU in ring 3.
    fn is_interrupted(&mut self, cpu: CpuId) -> bool {
        let own = self.machine.cpu(cpu);
        if own.ipi {
            self.unload(cpu);
            self.machine.deliver(cpu);
        } else if self.is_due(cpu) {
            self.ring(cpu);
        } else if self.console_interrupts(cpu) {
            self.unload(cpu);
            self.machine.console_ready(cpu);
        } else if let Some(byte) = self.typed(cpu) {
            self.unload(cpu);
            self.machine.trap(cpu, Event::ConsoleInput { byte });
        } else {
            return false;
        }
        true
    }

    /// Whether the program on `cpu` says that others may go on.
    fn is_yield(&self, cpu: CpuId, event: Event) -> bool {
        let Some(slot) = self.machine.kernel.cpus().current(cpu) else {
            return false;
        };
        let call = self.machine.cpu(cpu).frame.regs.eax;
        let personality = self.machine.kernel.envs()[slot].personality;
        matches!(event, Event::Syscall | Event::FastSyscall)
            && personality.call(call) == Some(Call::Yield)
    }

    /// Whether a CPU's timer rings on its own.
    fn is_due(&self, cpu: CpuId) -> bool {
        let due = self.machine.cpu(cpu).due;
        !self.plan.is_narrow() && due.is_some_and(|due| due <= self.machine.now)
    }

    fn ring(&mut self, cpu: CpuId) {
        self.unload(cpu);
        self.machine.cpu_mut(cpu).frame.trapno = Vector::TIMER.0;
        self.machine.trap(cpu, Event::Timer);
    }

    /// Executes what is left of a turn, at most `most` positions of it.
    fn execute(&mut self, turn: Turn, most: u64) {
        let Turn { cpu, left } = turn;
        self.load(cpu);
        self.care.met = false;
        let (done, trap) = if self.plan.is_narrow() {
            self.run_narrowly(cpu, left.min(most))
        } else {
            self.run(cpu, left.min(most))
        };
        self.executed += done;
        self.position += done;
        self.latest = cpu;
        // The kernel lends the coprocessor, and the same instruction comes again.
        self.moved = done > 0 || trap.is_some_and(|trap| trap != Trap::NO_FPU);
        self.plan.spent(done);
        match trap {
            Some(trap) => self.trap(cpu, trap),
            // Elsewhere a turn is as long as the plan says, wherever somebody stops.
            None if done == left || self.plan.is_narrow() && self.care.met => {}
            None => {
                let left = left - done;
                self.turn = Some(Turn { cpu, left });
            }
        }
    }

    fn run(&mut self, cpu: CpuId, most: u64) -> (u64, Option<Trap>) {
        let own = &mut self.cpus[cpu.0 as usize];
        let mut bus = CpuBus {
            machine: &mut self.machine,
            cpu,
            recent: &mut own.recent,
            stamp: &mut self.stamp,
            careful: self.care.is_taken || self.noted.is_some(),
            care: &mut self.care,
            noted: self.noted.as_mut(),
            disk: self.disk.as_mut(),
        };
        own.processor.run(&mut self.cache, &mut bus, most)
    }

    /// As [`Pc::run`], until an instruction uses memory that others use.
    fn run_narrowly(&mut self, cpu: CpuId, most: u64) -> (u64, Option<Trap>) {
        let mut done = 0;
        while done < most {
            let (one, trap) = self.run(cpu, 1);
            done += one;
            if trap.is_some() || self.care.met {
                return (done, trap);
            }
        }
        (done, None)
    }

    fn trap(&mut self, cpu: CpuId, trap: Trap) {
        self.unload(cpu);
        let event = event(&mut self.machine.cpu_mut(cpu).frame, trap);
        if self.is_yield(cpu, event) {
            self.plan.yielded();
        }
        self.machine.trap(cpu, event);
        self.made_one(cpu);
    }
}
