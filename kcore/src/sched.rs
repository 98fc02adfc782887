//! Who runs next: round robin in constant time.
//!
//! A queue of environments that wait for a CPU, and a set of CPUs that wait for
//! an environment. The hard thing is the wake-up that must not be lost: whoever
//! makes an environment runnable takes one CPU out of the idle set and sends it
//! an interrupt; a CPU enters the set under the lock, and only then waits, with
//! interrupts held back until the very instruction that waits.

use crate::cpu::{CpuId, CpuSet};
use crate::env::{Link, Queue, Slot, Wait};
use crate::event::Event;
use crate::kernel::{Effects, Kernel, Way};
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::TrapFrame;
use abi::trap::FLAG_NT;
use core::fmt::Write;

/// The scheduler's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sched {
    /// Environments that wait for a CPU.
    pub(crate) ready: Queue,
    /// Environments that wait for room in the console.
    pub(crate) console: Queue,
    /// Environments that wait for a byte from the console.
    pub(crate) input: Queue,
    /// CPUs that wait for an environment, and have not been woken.
    pub(crate) idle: CpuSet,
    /// How many environments are on a CPU.
    pub(crate) running: u32,
    /// Never-started children of the dead: the first of each family.
    pub(crate) doomed: Link,
    /// How many environments are members of jobs whose end has begun.
    pub(crate) ending: u32,
    /// The lines that say that all is over have been printed.
    pub(crate) ended: bool,
    /// The latest time that `time_msec` told, in its steps.
    pub(crate) told: u64,
}

impl Sched {
    /// Whether children of the dead wait for their own end.
    pub(crate) fn has_doomed(&self) -> bool {
        self.doomed != Link::NONE
    }
}

/// What becomes of the environment on this CPU.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It goes on.
    Same,
    /// It goes to the end of the queue.
    Yield,
    /// It is on this CPU no more.
    Gone,
    /// It is on this CPU no more, and what it has begun goes on when it gets one
    /// again; but first this CPU lets the lock go.
    Later,
}

/// Copies registers. A function of its own, so that the compiler knows from its
/// arguments that they do not overlap.
#[inline(never)]
fn load(frame: &mut TrapFrame, saved: &TrapFrame) {
    *frame = *saved;
}

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Carries out what handling an event decided.
    #[inline(always)]
    pub(crate) fn go_on(&mut self, cpu: CpuId, frame: &mut TrapFrame, next: Next) -> Way {
        match next {
            Next::Same => Way::Resume,
            Next::Yield if self.sched.ready.is_empty() => Way::Resume,
            Next::Yield => {
                if let Some(slot) = self.cpus.current(cpu) {
                    self.requeue(cpu, slot, frame);
                }
                self.run_next(cpu, frame)
            }
            Next::Gone => self.run_next(cpu, frame),
            Next::Later => Way::Again,
        }
    }

    /// Gives a CPU without environment the next one, or lets it idle. If that has
    /// to go on with an entry that it had begun, this is all that is done: any
    /// number may be queued that have, and the lock is not held for all of them.
    #[inline(always)]
    pub(crate) fn run_next(&mut self, cpu: CpuId, frame: &mut TrapFrame) -> Way {
        let Some(slot) = self.sched.ready.front() else {
            return self.idle(cpu);
        };
        if self.envs[slot].job.ending {
            self.end_instead(cpu, slot);
            return Way::Again;
        }
        self.sched.ready.pop_front(&mut self.envs);
        self.put_on_cpu(cpu, slot, frame);
        let Some(event) = self.envs[slot].pending.take() else {
            return Way::Switch;
        };
        match self.handle(cpu, slot, event, frame) {
            Next::Same => return Way::Switch,
            Next::Yield => self.requeue(cpu, slot, frame),
            Next::Gone | Next::Later => {}
        }
        Way::Again
    }

    /// Puts the environment on this CPU at the end of the queue.
    #[inline(always)]
    pub(crate) fn requeue(&mut self, cpu: CpuId, slot: Slot, frame: &TrapFrame) {
        self.leave_cpu(cpu, slot, frame);
        self.sched.ready.push_back(&mut self.envs, slot);
        self.mirror.runnable(&mut self.mem, slot);
    }

    /// Makes `slot`'s registers and page tables those of `cpu`.
    #[inline(always)]
    pub(crate) fn put_on_cpu(&mut self, cpu: CpuId, slot: Slot, frame: &mut TrapFrame) {
        self.sched.running = self.sched.running.wrapping_add(1);
        self.cpus[cpu].current = Link::to(slot);
        self.cpus[cpu].since = self.now;

        let env = &mut self.envs[slot];
        let first_run = !env.ran;
        env.ran = true;
        let moved = env.cpunum != cpu.0;
        env.on_cpu = Some(cpu);
        env.cpunum = cpu.0;
        env.runs = env.runs.wrapping_add(1);
        load(frame, &env.frame);

        let env = &self.envs[slot];
        if first_run {
            self.effects |= Effects::FIRST;
            self.mirror.hide_registers(&mut self.mem, slot);
        }
        if moved {
            self.mirror.cpunum(&mut self.mem, slot, env);
        }
        self.mirror.running(&mut self.mem, slot, env);
        self.outbox.pgdir = env.space.pgdir;
        self.outbox.id = env.id;
    }

    /// Takes `slot`, whose registers are in `frame`, off its CPU. Which queue
    /// it goes to, if any, is the caller's affair.
    #[inline(always)]
    pub(crate) fn leave_cpu(&mut self, cpu: CpuId, slot: Slot, frame: &TrapFrame) {
        if self.cpus[cpu].fpu {
            self.save_fpu(cpu, slot);
        }
        self.cpus[cpu].current = Link::NONE;
        self.sched.running = self.sched.running.wrapping_sub(1);
        let env = &mut self.envs[slot];
        env.on_cpu = None;
        env.frame = *frame;
        // User mode can set it, for what little it does there; in a frame that
        // is kept it has no business.
        env.frame.eflags &= !FLAG_NT;
    }

    /// A runnable environment that is on no CPU and waits for nothing: queues
    /// it, and wakes a CPU if one idles.
    #[inline(always)]
    pub(crate) fn make_ready(&mut self, slot: Slot) {
        self.sched.ready.push_back(&mut self.envs, slot);
        if let Some(cpu) = self.sched.idle.first() {
            self.sched.idle.remove(cpu);
            if !self.effects.contains(Effects::WAKE) {
                self.effects |= Effects::WAKE;
                self.outbox.wake = CpuSet::EMPTY;
            }
            self.outbox.wake.insert(cpu);
        }
    }

    /// Tells the public table what `slot` is doing now.
    pub(crate) fn show_status(&mut self, slot: Slot) {
        self.mirror.status(&mut self.mem, slot, &self.envs[slot]);
    }

    /// The timer says that the quantum is over.
    pub(crate) fn quantum_ended(&mut self, cpu: CpuId) -> Next {
        // An interrupt that was on its way when the CPU switched is none of
        // this environment's; but should a timer ever be early, it must not
        // have been the last.
        let elapsed = self.now.saturating_sub(self.cpus[cpu].since);
        if elapsed < self.config.quantum / 2 {
            self.effects |= Effects::QUANTUM;
            return Next::Same;
        }
        if self.sched.ready.is_empty() {
            self.cpus[cpu].since = self.now;
            self.effects |= Effects::QUANTUM;
            return Next::Same;
        }
        Next::Yield
    }

    /// The console is crowded: the environment waits, and what it wanted is
    /// done when it runs again.
    #[cold]
    pub(crate) fn wait_for_console(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        frame: &TrapFrame,
        event: Option<Event>,
    ) -> Next {
        self.leave_cpu(cpu, slot, frame);
        self.envs[slot].pending = event;
        self.queue_for_console(slot);
        Next::Gone
    }

    /// An environment that is on no CPU, and in no queue, waits until the console is
    /// not crowded any more.
    pub(crate) fn queue_for_console(&mut self, slot: Slot) {
        self.envs[slot].wait = Wait::Console;
        self.sched.console.push_back(&mut self.envs, slot);
        self.show_status(slot);
    }

    /// What the environment on this CPU has begun takes long: it goes to the end
    /// of the queue, and goes on with it when it runs again.
    #[cold]
    pub(crate) fn go_on_later(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        frame: &TrapFrame,
        event: Event,
    ) -> Next {
        self.requeue(cpu, slot, frame);
        self.envs[slot].pending = Some(event);
        Next::Later
    }

    /// A byte was typed. Who waits for one gets it, in the order in which they
    /// came; else it is kept.
    pub(crate) fn typed(&mut self, byte: u8) {
        match self.sched.input.pop_front(&mut self.envs) {
            Some(slot) => self.end_wait(slot, u32::from(byte)),
            None => self.console.typed(byte),
        }
    }

    /// The console took a chunk; lets the first who waits for room try again. One
    /// at a time, or it would fill the ring before the others' turn, every time;
    /// all of them when nothing is left that could bring the next chunk.
    pub(crate) fn console_ready(&mut self) {
        self.console.ready();
        if !self.console.is_relaxed() {
            return;
        }
        while let Some(slot) = self.sched.console.pop_front(&mut self.envs) {
            self.envs[slot].wait = Wait::Nothing;
            self.make_ready(slot);
            if !self.console.is_drained() {
                return;
            }
        }
    }

    /// Nothing to run on this CPU. If nothing is left to run anywhere, says so
    /// once, waits until the console has taken all of it, and ends the run.
    fn idle(&mut self, cpu: CpuId) -> Way {
        self.sched.idle.insert(cpu);
        let waiting = !self.sched.console.is_empty() || !self.sched.input.is_empty();
        if self.sched.running > 0 || waiting {
            return Way::Idle;
        }
        if !self.reaper.is_empty() || self.sched.has_doomed() {
            return if self.console.is_crowded() {
                Way::Idle
            } else {
                Way::Again
            };
        }
        if !self.sched.ended {
            self.sched.ended = true;
            // Writing to the ring cannot fail.
            let _ = self.console.write_str(
                "No runnable environments in the system!\n\
                 Destroyed the only environment - nothing more to do!\n",
            );
        }
        if self.console.is_drained() {
            self.outbox.end = self.config.end;
            self.effects |= Effects::END;
        }
        Way::Idle
    }
}
