//! How a CPU changes hands.
//!
//! An environment leaves with its registers in its slot, another comes with its own
//! from there. The hard thing is an entry that was put off: whoever gets the CPU may
//! have one to finish before it runs on, and any number of those may be queued. So
//! one is handled, and then the lock is let go.

use crate::effects::{Effects, Next, Way};
use crate::event::Event;
use crate::ids::{CpuId, CpuSet, Link, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::TrapFrame;
use abi::trap::FLAG_NT;

/// Copies registers. A function of its own, so that the compiler knows from its
/// arguments that they do not overlap.
#[inline(never)]
fn load(frame: &mut TrapFrame, saved: &TrapFrame) {
    *frame = *saved;
}

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Carries out what handling an event decided.
    #[inline(always)]
    pub(crate) fn carry_out(&mut self, cpu: CpuId, frame: &mut TrapFrame, next: Next) -> Way {
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
        let Some(slot) = self.sched.ready.next() else {
            return self.idle(cpu);
        };
        if self.envs[slot].job.ending {
            self.end_instead(cpu, slot);
            return Way::Again;
        }
        self.sched.ready.take_next(&mut self.envs);
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
        self.sched.ready.add(&mut self.envs, slot);
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
        self.sched.ready.add(&mut self.envs, slot);
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
}
