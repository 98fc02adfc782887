//! The core, in its place behind the big lock; the log of what it is
//! told and answers, and the trace of what happens in it.
//!
//! The core has four entry points, one of them in parts, and only this file calls
//! them. So with `record=on` the log is complete, and the run can be replayed on
//! another machine (see [`witness::record`]). With `trace=on` the new records are taken
//! out after each call (see [`witness::trace`]). The hard thing is that neither may cost
//! anything when it is off. So the core is told to forgo its short ways when one is on:
//! they ask whether they apply anyway, and only behind them is there a test for logs.

use crate::logs::{self, RECORD, TRACE};
use crate::machine::console;
use crate::machine::log_device::LogDevice;
use crate::machine::phys::DirectMap;
use crate::machine::smp::{self, clock};
use abi::{Call, EnvId, TrapFrame};
use biglock::{BigLock, Guard};
use core::mem::MaybeUninit;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use kcore::{Boot, CpuId, Event, LoadError, Outbox, Step};
use witness::record::Recorder;
use witness::trace::Traced;

/// The core, with this machine's memory and a trace.
pub type Core = Traced<'static, DirectMap>;

/// What the big lock protects.
pub struct LockedKernel {
    core: MaybeUninit<Core>,
    recorder: Recorder,
    /// Steps must take [`LockedKernel::written_step`]: they are recorded, or some program
    /// has I/O privilege.
    special: bool,
}

/// The right to the core: this CPU holds the big lock.
pub type KernelGuard = Guard<'static, LockedKernel>;

/// The kernel's state; every entry takes this lock.
pub static KERNEL: BigLock<LockedKernel> = BigLock::new(LockedKernel {
    core: MaybeUninit::uninit(),
    recorder: Recorder::new(),
    special: false,
});

/// Whether [`KERNEL`] has been filled. Only a panic can come before.
static INSTALLED: AtomicBool = AtomicBool::new(false);

impl LockedKernel {
    /// Puts the core in its place. `usable` are the frames that it was made with.
    pub fn install(&mut self, core: Core, usable: impl Iterator<Item = Range<u32>> + Clone) {
        self.core.write(core);
        if logs::are_open() {
            self.write_steps();
        }
        self.record(|recorder, log, core| recorder.boot(log, core, usable));
        INSTALLED.store(true, Relaxed);
    }

    /// From now on every step is a [`LockedKernel::written_step`].
    pub fn write_steps(&mut self) {
        self.special = true;
        self.core().forgo_short_ways();
    }

    #[inline(always)]
    fn core(&mut self) -> &mut Core {
        // SAFETY: (44) CPU 0 took the lock before any other CPU was up, and
        // filled the place in `install` before it let go.
        unsafe { self.core.assume_init_mut() }
    }

    /// The core, for those who only look.
    pub fn view(&self) -> &Core {
        // SAFETY: (45) as in `core`.
        unsafe { self.core.assume_init_ref() }
    }

    /// Adds to the log for replay, if there is one.
    #[cold]
    #[inline(never)]
    fn record(&mut self, add: impl FnOnce(&mut Recorder, &mut LogDevice, &Core)) {
        // SAFETY: (46) as in `core`; borrowed apart from the recorder.
        let core = unsafe { self.core.assume_init_ref() };
        RECORD.write(|log| add(&mut self.recorder, log, core));
    }

    /// Writes the trace's new records to its device, if there is one.
    #[cold]
    fn write_trace(&mut self) {
        let core = self.core();
        TRACE.write(|device| {
            let trace = core.watcher_mut();
            trace.take(|records| device.append(records));
            device.note_lost(trace.lost());
        });
    }

    /// Makes an environment of a boot module.
    pub fn boot_env(&mut self, boot: Boot<'_>) -> Result<EnvId, LoadError> {
        self.record(|recorder, log, _| recorder.module(log, &boot));
        let result = self.core().boot_env(boot);
        self.record(|recorder, log, _| recorder.made(log, result));
        self.write_trace();
        result
    }

    /// One step by a short way, if there is one and nothing has to be recorded.
    #[inline(always)]
    pub fn quiet_step(
        &mut self,
        cpu: CpuId,
        now: u64,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        self.core().quiet_step(cpu, now, event, frame)
    }

    /// One step by the quick way of `call`, if it is that call and nothing has to be
    /// recorded.
    #[inline(always)]
    pub fn quick_step(
        &mut self,
        call: Call,
        cpu: CpuId,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        self.core()
            .quick_step(call, cpu, clock::ticks, event, frame)
    }

    /// One step that is recorded and traced, after giving a program the I/O privilege
    /// back that `sysenter` took away.
    #[cold]
    fn written_step(&mut self, cpu: CpuId, now: u64, event: Event, frame: &mut TrapFrame) -> Step {
        self.core().restore_io_privilege(cpu, event, frame);
        self.record(|recorder, log, _| recorder.enter(log, cpu, now, event, frame));
        let step = self.core().step(cpu, now, event, frame);
        self.record(|recorder, log, core| recorder.leave(log, cpu, core, &step, frame));
        self.write_trace();
        step
    }

    /// One step of either kind.
    #[cold]
    pub fn step(&mut self, cpu: CpuId, now: u64, event: Event, frame: &mut TrapFrame) -> Step {
        if self.special {
            self.written_step(cpu, now, event, frame)
        } else {
            self.core().step(cpu, now, event, frame)
        }
    }

    /// The details of the effects that the last step asked for.
    pub fn outbox(&mut self) -> &Outbox {
        self.core().outbox()
    }

    /// Hands over what a CPU left behind that had to give up its environment. (What
    /// this adds to the trace is written with the step that asked for it.)
    pub fn parked(&mut self, cpu: CpuId, frame: &TrapFrame, event: Event) {
        if logs::are_open() {
            self.record(|recorder, log, _| recorder.parked(log, cpu, frame, event));
        }
        self.core().parked(cpu, frame, event);
    }

    /// The step's effects are done: frames that it freed may be used again.
    pub fn settle(&mut self) {
        self.core().settle(smp::await_arrival);
        if logs::are_open() {
            self.record(|recorder, log, core| recorder.settled(log, core));
            self.write_trace();
        }
    }

    /// The run is over: ends the log, and writes out what was printed.
    pub fn end(&mut self) {
        self.record(|recorder, log, core| recorder.end(log, core));
        console::flush(self.core().drain_console());
    }
}

/// For a panic: writes out what the kernel had printed.
pub fn flush_console() {
    if INSTALLED.load(Relaxed) {
        // SAFETY: (47) all other CPUs have been stopped, and this one never goes
        // back to what it was doing. The ring's state is plain numbers, and safe
        // code stays in bounds whatever they are.
        let kernel = unsafe { &mut *KERNEL.force() };
        console::flush(kernel.core().drain_console());
    }
}
