//! The one entry: what a trap means.
//!
//! The hardware half calls [`Kernel::step`] with the lock held, does what the step
//! asks for, calls [`Kernel::settle`] and only then drops the lock. Only a page directory
//! may be loaded later, if that is all the step asks for: `settle` waits for such CPUs.
//!
//! The hard thing is the rendezvous. A step may ask another CPU to give up its
//! environment. That CPU publishes the registers it was interrupted with and the
//! entry it was about to make. The initiator, still holding the lock, passes both to
//! [`Kernel::parked`]. So to the core, a CPU that waits for the lock is still in
//! user mode, before its trap.
//!
//! Only `step`, [`Kernel::parked`], [`Kernel::settle`] and, at boot,
//! [`crate::loader`] change the state: replay knows these four. (A caller that records
//! nothing may try parts of `step` by themselves: `quick_step`, then `quiet_step`.)

use crate::effects::{Effects, Next, Way};
use crate::event::Event;
use crate::ids::CpuId;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::step::Step;
use crate::syscall::Caller;
use crate::watch::{Fact, Tell, Watcher};
use abi::scheduling::Policy;
use abi::trap::FLAG_IOPL;
use abi::{EnvId, EnvType, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Handles one entry to the kernel by `cpu`, at `now` (in ticks), because of
    /// `event`. `frame` holds the registers of the interrupted user code; its content
    /// is ignored if the CPU has no environment.
    #[inline(always)]
    pub fn step(&mut self, cpu: CpuId, now: u64, event: Event, frame: &mut TrapFrame) -> Step {
        self.quick_event(cpu, now, event, frame)
            .or_else(|| self.quiet_step(cpu, now, event, frame))
            .unwrap_or_else(|| self.general_step(cpu, now, event, frame))
    }

    /// Handles any entry, without short cuts.
    fn general_step(&mut self, cpu: CpuId, now: u64, event: Event, frame: &mut TrapFrame) -> Step {
        self.now = now;
        self.effects = Effects::empty();
        self.notices = 0;
        if event == Event::Timer {
            self.cpus[cpu].timer = false;
        }
        let ranks = self.config.policy == Policy::Priority;
        if ranks {
            self.clean_up();
        }
        let way = match self.cpus.current(cpu) {
            Some(slot) => {
                let caller = Caller { cpu, slot };
                let next = self.handle(caller, event, frame);
                let next = self.rank(caller, next, frame);
                self.carry_out(cpu, frame, next)
            }
            None => {
                self.tell_entry(cpu, event, frame);
                self.sched.idle.remove(cpu);
                self.device(event);
                self.run_next(cpu, frame)
            }
        };
        if ranks {
            self.interrupt_outranked(cpu);
        }
        let step = self.end_step(cpu, way);
        self.quiet &= self.short_ways;
        self.tell_step(cpu, &step);
        step
    }

    /// Ends a step that may have left something over.
    #[inline(always)]
    pub(crate) fn end_step(&mut self, cpu: CpuId, way: Way) -> Step {
        if matches!(way, Way::Idle | Way::Again) {
            self.time_without_env(cpu, way);
        }
        self.quiet = false;
        if !self.has_nothing_left() {
            self.work_off();
        } else if self.frames.state.limbo.head != 0 {
            self.effects |= Effects::SETTLE;
        } else {
            self.quiet = true;
        }
        self.effects.step(way)
    }

    /// Cleans up, prints one chunk, and asks for settling.
    ///
    /// Under priorities a step has cleaned up at its beginning: whom that wakes is looked at
    /// before the step ends.
    #[inline(never)]
    fn work_off(&mut self) {
        self.effects |= Effects::SETTLE;
        if self.config.policy != Policy::Priority {
            self.clean_up();
        }
        if self.console.has_chunk() {
            self.outbox.chunk = self.console.take_chunk();
            self.effects |= Effects::CONSOLE;
        }
        // A short way in which somebody died comes here, and none begins with this.
        self.notices = 0;
    }

    /// Tells some who wait for the dead, ends one doomed environment, and wakes some that are
    /// to end.
    fn clean_up(&mut self) {
        self.tell_mourners();
        self.reap_doomed();
        self.sweep_marked();
    }

    /// Handles an event of the environment on this CPU.
    pub(crate) fn handle(&mut self, caller: Caller, event: Event, frame: &mut TrapFrame) -> Next {
        let Caller { cpu, slot } = caller;
        self.tell_entry(cpu, event, frame);
        if self.envs[slot].ending {
            self.device(event);
            if self.console.is_crowded() {
                return self.wait_for_console(caller, frame, None);
            }
            return self.end_marked(caller);
        }
        match event {
            Event::Timer => {
                self.device(event);
                self.quantum_ended(cpu)
            }
            Event::Wake | Event::ConsoleReady | Event::ConsoleInput { .. } => {
                self.device(event);
                Next::Same
            }
            Event::FpuUse if !self.cpus[cpu].fpu => {
                self.lend_fpu(cpu, slot);
                Next::Same
            }
            // Only the events below can make the kernel print.
            _ if self.console.is_crowded() => self.wait_for_console(caller, frame, Some(event)),
            Event::Syscall | Event::FastSyscall => {
                self.fast = event == Event::FastSyscall;
                self.syscall(caller, frame)
            }
            Event::Exception | Event::PageFault { .. } | Event::FpuUse => {
                self.fault(caller, event, frame)
            }
        }
    }

    /// Handles a device's event, which concerns no environment in particular.
    fn device(&mut self, event: Event) {
        match event {
            Event::ConsoleReady => self.console_ready(),
            Event::ConsoleInput { byte } => self.typed(byte),
            Event::Timer => self.ring_alarms(),
            _ => {}
        }
    }

    /// Restores a file server's I/O privilege after `sysenter`, where the hardware
    /// half clears it in everybody's flags. The caller must do this before a step, if
    /// any program has that privilege.
    pub fn restore_io_privilege(&self, cpu: CpuId, event: Event, frame: &mut TrapFrame) {
        let privileged = self
            .cpus
            .current(cpu)
            .is_some_and(|slot| self.envs[slot].kind == EnvType::FileServer);
        if privileged && event == Event::FastSyscall {
            frame.eflags |= FLAG_IOPL;
        }
    }

    /// Takes the answer to a [`crate::Remote::Stop`]: `cpu` has given up its
    /// environment, which had these registers and was about to enter the kernel
    /// because of `event`. The CPU has loaded the kernel's page directory.
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

    /// Frees what the step released; its other effects must be done by now. A CPU that
    /// was to switch may do so late: `await_arrival` waits until it has loaded the page
    /// directory of its environment. It is called, for each CPU that has one, only if some
    /// space has died.
    #[inline(always)]
    pub fn settle(&mut self, await_arrival: impl FnMut(CpuId, EnvId)) {
        let freed = self.frames.settle();
        self.tell_freed(freed);
        if !self.reaper.is_empty() {
            self.settle_dead(await_arrival);
        }
        self.quiet = self.is_quiet();
    }

    /// Reclaims what the step's effects have made unreachable of dead address spaces.
    #[inline(never)]
    fn settle_dead(&mut self, await_arrival: impl FnMut(CpuId, EnvId)) {
        if self.reaper.has_fresh() {
            self.await_arrivals(await_arrival);
        }
        self.reaper.settle(&mut self.frames);
        self.reap_dead();
    }

    /// When it returns, every CPU has loaded the page directory of its environment, or has
    /// none and the kernel's.
    fn await_arrivals(&self, mut await_arrival: impl FnMut(CpuId, EnvId)) {
        for cpu in (0..self.config.cpus).map(CpuId) {
            if let Some(slot) = self.cpus.current(cpu) {
                await_arrival(cpu, self.envs[slot].id);
            }
        }
    }
}
