//! Putting environments on CPUs and taking them off.
//!
//! An environment that leaves a CPU stores its registers in its slot; the next one
//! loads its own from there. The hard thing is a pending entry: the next environment
//! may have to finish an entry to the kernel before it can continue, and any number
//! of such environments may be queued. So a step handles one, and then the CPU drops
//! the lock.

use crate::effects::{Effects, Next, Way};
use crate::event::Event;
use crate::ids::{CpuId, CpuSet, Link, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::sched::run_queue::RunQueue;
use crate::syscall::Caller;
use crate::watch::Watcher;
use abi::trap::FLAG_NT;
use abi::{EnvStatus, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Does what the handler of an event decided.
    #[inline(always)]
    pub(crate) fn carry_out(&mut self, cpu: CpuId, frame: &mut TrapFrame, next: Next) -> Way {
        match next {
            Next::Same => Way::Resume,
            // lab: turns {
            Next::Yield if self.sched.ready.is_empty() => Way::Resume,
            Next::Yield => {
                if let Some(slot) = self.cpus.current(cpu) {
                    self.requeue(cpu, slot, frame);
                }
                self.run_next(cpu, frame)
            }
            // lab: turns }
            Next::Gone => self.run_next(cpu, frame),
            Next::HandOver => self.put_heir_on_cpu(cpu, frame),
            Next::Later => Way::Again,
        }
    }

    /// Gives the next environment to a CPU that has none, or lets the CPU idle. If that
    /// environment has a pending entry, the step ends after handling it: any number of
    /// such environments may be queued, and the lock must not be held for all of them.
    #[inline(always)]
    pub(crate) fn run_next(&mut self, cpu: CpuId, frame: &mut TrapFrame) -> Way {
        let Some(slot) = self.sched.ready.next() else {
            return self.idle(cpu);
        };
        if self.envs[slot].ending {
            self.end_instead(cpu, slot);
            return Way::Again;
        }
        self.sched.ready.take_next(&mut self.envs);
        self.put_on_cpu(cpu, slot, frame);
        let Some(event) = self.envs[slot].pending.take() else {
            return Way::Switch;
        };
        let caller = Caller { cpu, slot };
        let next = self.handle(caller, event, frame);
        match self.rank(caller, next, frame) {
            Next::Same => return Way::Switch,
            Next::Yield => self.requeue(cpu, slot, frame),
            Next::HandOver => self.queue_heir(),
            Next::Gone | Next::Later => {}
        }
        Way::Again
    }

    /// Moves the environment on this CPU to the end of the run queue.
    #[inline(always)]
    pub(crate) fn requeue(&mut self, cpu: CpuId, slot: Slot, frame: &TrapFrame) {
        // lab: turns {
        self.leave_cpu(cpu, slot, frame);
        if self.sched.ready.is_round_robin() {
            self.sched.ready.round_robin.add(&mut self.envs, slot);
        } else {
            self.add_again(slot);
        }
        self.mirror.status(&mut self.mem, slot, EnvStatus::Runnable);
        // lab: turns }
    }

    /// Puts `slot` on `cpu`: its registers into `frame`, its page tables into the step.
    #[inline(always)]
    pub(crate) fn put_on_cpu(&mut self, cpu: CpuId, slot: Slot, frame: &mut TrapFrame) {
        self.sched.running = self.sched.running.wrapping_add(1);
        self.cpus[cpu].current = Link::to(slot);
        self.cpus[cpu].since = self.now;
        if !self.sched.ready.is_round_robin() {
            self.begin_charging(cpu);
        }
        if !self.cpus[cpu].timer {
            self.start_timer(cpu, self.config.quantum);
        }

        let env = &mut self.envs[slot];
        let first_run = !env.ran;
        env.ran = true;
        let moved = env.cpunum != cpu.0;
        env.on_cpu = Some(cpu);
        env.cpunum = cpu.0;
        env.runs = env.runs.wrapping_add(1);
        frame.copy_from(&env.frame);

        let env = &self.envs[slot];
        if first_run {
            self.effects |= Effects::FIRST;
            self.mirror.hide_registers(&mut self.mem, slot);
        }
        if moved {
            self.mirror.moved(&mut self.mem, slot, cpu);
        }
        self.mirror.runs(&mut self.mem, slot, env.runs);
        self.mirror.status(&mut self.mem, slot, EnvStatus::Running);
        self.outbox.pgdir = env.space.pgdir;
        self.outbox.id = env.id;
    }

    /// Queues an environment that was to get the CPU, because this step is long enough.
    #[cold]
    pub(super) fn queue_heir(&mut self) {
        self.make_ready(self.heir);
        self.show_status(self.heir);
    }

    /// As [`Kernel::put_on_cpu`], but with what is left of the quantum.
    #[cold]
    fn put_heir_on_cpu(&mut self, cpu: CpuId, frame: &mut TrapFrame) -> Way {
        let since = self.cpus[cpu].since;
        self.put_on_cpu(cpu, self.heir, frame);
        self.cpus[cpu].since = since;
        Way::Switch
    }

    /// Takes `slot`, whose registers are in `frame`, off its CPU. The caller puts it
    /// in a queue, if it belongs in one.
    #[inline(always)]
    pub(crate) fn leave_cpu(&mut self, cpu: CpuId, slot: Slot, frame: &TrapFrame) {
        if self.cpus[cpu].fpu {
            self.save_fpu(cpu, slot);
        }
        if !self.sched.ready.is_round_robin() {
            self.charge(cpu, slot);
        }
        self.cpus[cpu].current = Link::NONE;
        self.sched.running = self.sched.running.wrapping_sub(1);
        let env = &mut self.envs[slot];
        env.on_cpu = None;
        env.frame.copy_from(frame);
        // User code can set NT, where it does little. The audit checks that no saved
        // frame has it.
        env.frame.eflags &= !FLAG_NT;
    }

    /// Queues a runnable environment, which is on no CPU and waits for nothing, and
    /// wakes an idle CPU if there is one.
    #[inline(always)]
    pub(crate) fn make_ready(&mut self, slot: Slot) {
        if self.sched.ready.is_round_robin() {
            self.sched.ready.round_robin.add(&mut self.envs, slot);
        } else {
            self.add_by_policy(slot);
        }
        if let Some(cpu) = self.sched.idle.first() {
            self.sched.idle.remove(cpu);
            self.wake_cpu(cpu);
        }
    }

    /// Has `cpu` interrupted, so that it enters the kernel.
    #[inline(always)]
    pub(super) fn wake_cpu(&mut self, cpu: CpuId) {
        if !self.effects.contains(Effects::WAKE) {
            self.effects |= Effects::WAKE;
            self.outbox.wake = CpuSet::EMPTY;
        }
        self.outbox.wake.insert(cpu);
    }

    /// Copies the status of `slot` to the public table.
    pub(crate) fn show_status(&mut self, slot: Slot) {
        let status = self.envs[slot].status();
        self.mirror.status(&mut self.mem, slot, status);
    }

    /// Lets the timer of `cpu` ring after so many ticks, or when the first alarm must, if
    /// this CPU is to ring it.
    #[cold]
    #[inline(never)]
    pub(super) fn start_timer(&mut self, cpu: CpuId, ticks: u64) {
        self.cpus[cpu].timer = true;
        self.outbox.timer = self.until_alarm(cpu).map_or(ticks, |left| left.min(ticks));
        self.effects |= Effects::TIMER;
    }

    /// The timer has rung: the quantum ends, unless that is too early.
    ///
    /// A switch does not start the timer afresh, as the write to it costs more than the
    /// switch. So the timer may ring for an environment that left long ago, and is then
    /// started for what is left of the quantum. A timer that is a little fast ends it.
    pub(crate) fn quantum_ended(&mut self, cpu: CpuId) -> Next {
        // lab: quantum {
        let quantum = self.config.quantum;
        let elapsed = self.now.saturating_sub(self.cpus[cpu].since);
        if elapsed < quantum - quantum / 16 {
            self.start_timer(cpu, quantum - elapsed);
            return Next::Same;
        }
        if self.sched.ready.is_empty() {
            if !self.sched.ready.is_round_robin() {
                self.keep_on_cpu(cpu);
            }
            self.cpus[cpu].since = self.now;
            self.start_timer(cpu, quantum);
            return Next::Same;
        }
        Next::Yield
        // lab: quantum }
    }

    /// Whether the last step, which was one of `cpu`, began a quantum there. Its timer cannot
    /// tell: it may ring before, for an alarm.
    pub fn has_begun_quantum(&self, cpu: CpuId) -> bool {
        self.cpus[cpu].since == self.now
    }

    /// Puts off the rest of a long entry: its environment goes to the end of the run
    /// queue, and finishes the entry when it gets a CPU again.
    #[cold]
    pub(crate) fn go_on_later(&mut self, caller: Caller, frame: &TrapFrame, event: Event) -> Next {
        self.requeue(caller.cpu, caller.slot, frame);
        self.envs[caller.slot].pending = Some(event);
        Next::Later
    }
}
