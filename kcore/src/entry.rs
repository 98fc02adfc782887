//! The one entry: what a trap means.
//!
//! The hardware half calls [`Kernel::step`] with the lock held, performs what it
//! asks for, calls [`Kernel::settle`] and only then lets the lock go.
//!
//! The hard thing is the rendezvous. A step may ask for an environment to be
//! stopped on another CPU. That CPU publishes the registers it was interrupted
//! with, and the entry it was about to make; the initiator, still holding the
//! lock, hands both to [`Kernel::parked`]. To the core, a CPU that waits for the
//! lock is still in user mode before its trap.
//!
//! Besides `step`, the state changes only in [`Kernel::parked`],
//! [`Kernel::settle`] and, at boot, [`crate::loader`]: replay knows these four.

use crate::effects::{Effects, Next, Way};
use crate::event::Event;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::step::Step;
use crate::syscall::Caller;
use crate::watch::{Fact, Tell, Watcher};
use abi::trap::FLAG_IOPL;
use abi::{EnvType, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// One entry to the kernel by `cpu`, at `now` (in ticks), because of
    /// `event`, with `frame` the registers that user mode was left with. If the
    /// CPU has no environment, the frame's content is ignored.
    #[inline(always)]
    pub fn step(&mut self, cpu: CpuId, now: u64, event: Event, frame: &mut TrapFrame) -> Step {
        self.now = now;
        match self.quiet_step(cpu, event, frame) {
            Some(step) => step,
            None => self.general_step(cpu, event, frame),
        }
    }

    /// A step, whatever it takes.
    fn general_step(&mut self, cpu: CpuId, event: Event, frame: &mut TrapFrame) -> Step {
        self.effects = Effects::empty();
        let way = match self.cpus.current(cpu) {
            Some(slot) => {
                let next = self.handle(cpu, slot, event, frame);
                self.carry_out(cpu, frame, next)
            }
            None => {
                self.tell_entry(cpu, event, frame);
                self.sched.idle.remove(cpu);
                self.device(event);
                self.run_next(cpu, frame)
            }
        };
        let step = self.end_step(way);
        self.tell_step(cpu, &step);
        step
    }

    /// The end of every step that may have changed something: looks after what
    /// it left over.
    #[inline(always)]
    pub(crate) fn end_step(&mut self, way: Way) -> Step {
        self.quiet = self.has_nothing_left();
        if !self.quiet {
            self.work_off();
        }
        self.effects.step(way)
    }

    /// Something is to be settled, printed or ended: does a bounded piece of
    /// it.
    #[inline(never)]
    fn work_off(&mut self) {
        self.effects |= Effects::SETTLE;
        if self.has_chores() {
            self.chores();
        }
    }

    /// Handles one event of the environment that is on this CPU.
    pub(crate) fn handle(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Next {
        self.tell_entry(cpu, event, frame);
        if self.envs[slot].job.ending {
            self.device(event);
            if self.console.is_crowded() {
                return self.wait_for_console(cpu, slot, frame, None);
            }
            return self.end_marked(cpu, slot);
        }
        match event {
            Event::Syscall | Event::FastSyscall => {
                if self.console.is_crowded() {
                    return self.wait_for_console(cpu, slot, frame, Some(event));
                }
                self.fast = event == Event::FastSyscall;
                self.syscall(Caller { cpu, slot }, frame)
            }
            Event::FpuUse if !self.cpus[cpu].fpu => {
                self.lend_fpu(cpu, slot);
                Next::Same
            }
            Event::Exception | Event::PageFault { .. } | Event::FpuUse => {
                if self.console.is_crowded() {
                    return self.wait_for_console(cpu, slot, frame, Some(event));
                }
                self.fault(cpu, slot, event, frame)
            }
            Event::Timer => self.quantum_ended(cpu),
            Event::Wake | Event::ConsoleReady | Event::ConsoleInput { .. } => {
                self.device(event);
                Next::Same
            }
        }
    }

    /// What concerns no environment in particular.
    fn device(&mut self, event: Event) {
        match event {
            Event::ConsoleReady => self.console_ready(),
            Event::ConsoleInput { byte } => self.typed(byte),
            _ => {}
        }
    }

    /// Work that is nobody's in particular and may be put off.
    pub(crate) fn has_chores(&self) -> bool {
        self.console.has_chunk() || self.sched.has_doomed()
    }

    /// Does a bounded piece of such work.
    #[cold]
    fn chores(&mut self) {
        self.reap_doomed();
        if self.console.has_chunk() {
            self.outbox.chunk = self.console.take_chunk();
            self.effects |= Effects::CONSOLE;
        }
    }

    /// Gives a file server back what the way in by `sysenter` takes from the flags,
    /// as the hardware half lets no I/O privilege through there. Call it before a
    /// step, if any program has that privilege.
    pub fn restore_io_privilege(&self, cpu: CpuId, event: Event, frame: &mut TrapFrame) {
        let privileged = self
            .cpus
            .current(cpu)
            .is_some_and(|slot| self.envs[slot].kind == EnvType::FileServer);
        if privileged && event == Event::FastSyscall {
            frame.eflags |= FLAG_IOPL;
        }
    }

    /// After a [`crate::Remote::Stop`]: `cpu` has left user mode for good, with
    /// these registers, and was about to enter the kernel because of `event`.
    /// It holds no page tables but the kernel's.
    pub fn parked(&mut self, cpu: CpuId, frame: &TrapFrame, event: Event) {
        let Some(slot) = self.cpus.current(cpu) else {
            return;
        };
        let mut frame = *frame;
        self.restore_io_privilege(cpu, event, &mut frame);
        self.note_fpu_saved(cpu, slot);
        self.leave_cpu(cpu, slot, &frame);
        self.envs[slot].pending = event.divide().0;
        self.show_status(slot);
        self.watcher.tell(|| Fact::Parked {
            cpu,
            env: self.envs[slot].id,
            eip: frame.eip,
        });
    }

    /// The step's other effects are done: what it freed is free.
    pub fn settle(&mut self) {
        let freed = self.frames.settle();
        self.tell_freed(freed);
        if !self.reaper.is_empty() {
            self.reaper.settle(&mut self.frames);
            self.reap_dead();
        }
        self.quiet = self.is_quiet();
    }
}
