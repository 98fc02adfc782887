//! The way through the kernel: lock, step, effects, settle, out.
//!
//! The order is that of the kernel's hardware half: this CPU's own page tables
//! first, then the other CPU's, then wake-ups; only then does the CPU settle the
//! step and release the lock. A CPU that switches may load the page directory later: here as
//! late as can be, when it does something else or another one waits for that. The hard thing is the rendezvous, which takes two
//! CPUs: [`Machine::enter`] posts the request, the other CPU obeys it in
//! [`Machine::answer`], and the first one goes on in [`Machine::finish`].

use super::{Holder, Machine, Mail, Mode};
use abi::TrapFrame;
use abi::scheduling::Policy;
use kcore::{Common, CpuId, Event, PhysMem, Remote, Step, ToResume};

impl Machine<'_> {
    /// `event` interrupts user mode on `cpu`; the CPU then waits for the lock.
    pub fn trap(&mut self, cpu: CpuId, event: Event) {
        assert_eq!(self.cpu(cpu).mode, Mode::User);
        self.wait(cpu, event);
    }

    /// `event` interrupts `cpu`, in user mode or idle, and it waits for the lock. A timer
    /// that has rung is stopped.
    pub fn wait(&mut self, cpu: CpuId, event: Event) {
        let own = self.cpu_mut(cpu);
        own.arrive();
        if event == Event::Timer {
            own.due = None;
        }
        own.mode = Mode::Waiting(event);
    }

    /// A CPU that waits for the lock takes it and makes its step; the lock must be
    /// free. Unless another CPU must obey, the entry is complete on return.
    pub fn enter(&mut self, cpu: CpuId) {
        assert!(self.holder.is_none(), "the lock is free");
        let Mode::Waiting(event) = self.cpu(cpu).mode else {
            panic!("CPU {} does not wait for the lock", cpu.0);
        };
        let step = self.step(cpu, event);
        assert!(
            !step.breaks() || self.kernel.config().grading,
            "a program stops the machine, and nobody grades it"
        );
        let outbox = *self.kernel.outbox();
        let kernel_pgdir = self.kernel.config().kernel_pgdir;
        let now = self.now;
        self.perform_fpu(cpu, step, &outbox);
        let own = self.cpu_mut(cpu);
        own.mode = Mode::Performing;
        match step {
            Step::Resume(to) => {
                if to.contains(ToResume::FLUSH_ALL) {
                    own.tlb.clear();
                } else if to.contains(ToResume::FLUSH) {
                    own.tlb.forget(outbox.flush);
                }
            }
            Step::Switch(_) => {
                let left = own.cr3;
                own.load_cr3(outbox.pgdir);
                own.leaving = Some(left);
            }
            Step::Idle(_) | Step::Again(_) => {
                own.load_cr3(kernel_pgdir);
                own.frame = TrapFrame::default();
                own.due = None;
            }
        }
        if step.starts_timer() {
            own.due = Some(now.saturating_add(outbox.timer));
        }
        let holder = Holder {
            cpu,
            step,
            outbox,
            parked: None,
        };
        self.holder = Some(holder);
        match holder.target() {
            None => self.finish(),
            Some(target) => {
                let stop = matches!(outbox.remote, Some(Remote::Stop(_)));
                let other = self.cpu_mut(target);
                other.mail = Some(if stop { Mail::Stop } else { Mail::Flush });
                other.ipi = true;
            }
        }
    }

    /// Makes one step of the kernel, and logs it.
    fn step(&mut self, cpu: CpuId, event: Event) -> Step {
        let mut frame = self.cpu(cpu).frame;
        if let Some(log) = &mut self.log {
            log.enter(cpu, self.now, event, &frame);
        }
        let step = self.kernel.step(cpu, self.now, event, &mut frame);
        let read = self.kernel.mem().take_read();
        if let Some(readings) = &mut self.readings {
            readings.extend(read.iter().map(|(pa, bytes)| (*pa, bytes.len() as u32)));
        }
        if let Some(log) = &mut self.log {
            log.leave(&read, cpu, &self.kernel, &step, &frame);
        }
        self.cpu_mut(cpu).frame = frame;
        self.take_trace();
        step
    }

    /// A pending inter-processor interrupt arrives at a CPU with interrupts on.
    pub fn deliver(&mut self, cpu: CpuId) {
        // Else a CPU that keeps its environment has nothing to enter for.
        let ranks = self.kernel.config().policy == Policy::Priority;
        let own = self.cpu_mut(cpu);
        assert!(own.ipi);
        own.ipi = false;
        own.arrive();
        own.mode = match own.mode {
            Mode::User if own.mail.is_some() => Mode::Serving,
            Mode::User if ranks => Mode::Waiting(Event::Wake),
            Mode::User => Mode::User,
            Mode::Idle => Mode::Waiting(Event::Wake),
            mode => panic!("no interrupt arrives while {mode:?}"),
        };
    }

    /// A CPU obeys the request in its mail, from the interrupt's handler or
    /// while it waits for the lock.
    pub fn answer(&mut self, cpu: CpuId) {
        let kernel_pgdir = self.kernel.config().kernel_pgdir;
        let own = &mut self.cpus[cpu.0 as usize];
        let mail = own.mail.take().expect("there is mail");
        let event = match own.mode {
            Mode::Serving => Event::Wake,
            Mode::Waiting(event) => event,
            mode => panic!("mail is not looked at while {mode:?}"),
        };
        match mail {
            Mail::Flush => {
                own.tlb.clear();
                if own.mode == Mode::Serving {
                    own.mode = Mode::User;
                }
            }
            Mail::Stop => {
                let parked = (own.frame, event);
                own.load_cr3(kernel_pgdir);
                own.frame = TrapFrame::default();
                own.mode = Mode::Waiting(event.divide().1);
                let holder = self.holder.as_mut().expect("somebody asked");
                holder.parked = Some(parked);
                self.leave_fpu(cpu);
            }
        }
    }

    /// Whether the other CPU has obeyed.
    pub fn is_answered(&self) -> bool {
        let target = self.holder.and_then(|holder| holder.target());
        target.is_none_or(|cpu| self.cpu(cpu).mail.is_none())
    }

    /// Performs the remaining effects, when the other CPU has obeyed.
    pub fn finish(&mut self) {
        assert!(self.is_answered());
        let holder = self.holder.take().expect("the lock is held");
        let Holder {
            cpu, step, outbox, ..
        } = holder;
        if let (Some(Remote::Stop(target)), Some((frame, event))) = (outbox.remote, holder.parked) {
            if let Some(log) = &mut self.log {
                log.parked(target, &frame, event);
            }
            self.kernel.parked(target, &frame, event);
        }
        let common = step.common();
        if common.contains(Common::WAKE) {
            for other in outbox.wake.iter() {
                self.cpu_mut(other).ipi = true;
            }
        }
        if common.contains(Common::SETTLE) {
            let cpus = &mut self.cpus;
            self.kernel.settle(|cpu, _| cpus[cpu.0 as usize].arrive());
            self.take_trace();
            if let Some(log) = &mut self.log {
                log.settled(&self.kernel);
            }
        }
        if common.contains(Common::CLEAR) {
            self.kernel.mem().zero_frame(outbox.clear);
        }
        self.cpu_mut(cpu).mode = match step {
            Step::Resume(_) | Step::Switch(_) => Mode::User,
            Step::Idle(_) => Mode::Idle,
            Step::Again(_) => Mode::Waiting(Event::Wake),
        };
        if step.ends() {
            self.end = Some(outbox.end);
            self.cpus.iter_mut().for_each(|cpu| cpu.mode = Mode::Off);
        }
        if common.contains(Common::CONSOLE) {
            self.uart.output.extend_from_slice(outbox.chunk.bytes());
            self.uart.busy = true;
        }
        if self.uart.instant {
            self.drain_console(cpu);
        }
    }

    /// The console takes all output, and interrupts `cpu` after each chunk.
    fn drain_console(&mut self, cpu: CpuId) {
        // The interrupts below come through here again: this prevents recursion.
        self.uart.instant = false;
        while self.uart.busy && matches!(self.cpu(cpu).mode, Mode::User | Mode::Idle) {
            self.console_ready(cpu);
        }
        self.uart.instant = true;
    }

    /// The console has taken its chunk, and interrupts `cpu`.
    pub fn console_ready(&mut self, cpu: CpuId) {
        assert!(self.uart.busy);
        self.uart.busy = false;
        self.wait(cpu, Event::ConsoleReady);
        self.enter(cpu);
    }

    /// Lets the CPU that the holder of the lock waits for, if any, obey at once.
    /// Afterwards the lock is free.
    pub fn complete(&mut self) {
        while let Some(target) = self.holder.and_then(|holder| holder.target()) {
            if self.cpu(target).mode == Mode::User {
                self.deliver(target);
            }
            self.answer(target);
            self.finish();
        }
    }

    /// Lets every CPU that waits for the lock through, until all CPUs run
    /// programs or idle.
    pub fn calm_down(&mut self) {
        self.complete();
        let mut moved = true;
        while moved {
            moved = false;
            for cpu in self.cpu_ids() {
                if self.cpu(cpu).ipi && matches!(self.cpu(cpu).mode, Mode::User | Mode::Idle) {
                    self.deliver(cpu);
                    moved = true;
                }
                if matches!(self.cpu(cpu).mode, Mode::Waiting(_)) {
                    self.enter(cpu);
                    self.complete();
                    moved = true;
                }
            }
        }
    }
}

impl super::Cpu {
    fn load_cr3(&mut self, directory: kcore::Pfn) {
        self.cr3 = directory;
        self.tlb.clear();
        self.arrive();
    }

    /// It has loaded the page directory of its environment, if it had not.
    pub fn arrive(&mut self) {
        self.leaving = None;
    }
}
