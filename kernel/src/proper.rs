//! The kernel proper, in its place behind the big lock; the log of what it is
//! told and answers, and the trace of what happens in it.
//!
//! The kernel proper has four entry points; each is called from here and from
//! nowhere else, so that with `record=on` the log is complete and the run can
//! be replayed on another machine (see [`kcore::record`]). With `trace=on` each
//! of them is followed by taking the new records out (see [`kcore::trace`]). The
//! hard thing is that without them both must cost nothing: one test on the way
//! in decides, and what follows it is compiled twice.

use crate::console;
use crate::log_device::LogDevice;
use crate::phys::DirectMap;
use crate::smp::ThisCpu;
use crate::x86::Port;
use abi::{EnvId, TrapFrame};
use biglock::{BigLock, Guard};
use core::mem::MaybeUninit;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use kcore::record::{self, Recorder, Sink};
use kcore::{Boot, CpuId, Event, Kernel, LoadError, Outbox, Step};

/// The kernel proper on this machine.
pub type Core = Kernel<'static, DirectMap>;

/// The kernel proper, what its log remembers, and where its trace goes.
pub struct Proper {
    core: MaybeUninit<Core>,
    recorder: Recorder,
    trace: Option<LogDevice>,
}

/// What is written down.
pub struct Logs {
    /// There is a log for replay.
    pub record: bool,
    /// The trace goes here.
    pub trace: Option<LogDevice>,
}

/// The right to the kernel proper: this CPU holds the big lock.
pub type Holder = Guard<'static, Proper>;

/// The kernel proper of this machine.
pub static KERNEL: BigLock<Proper> = BigLock::new(Proper {
    core: MaybeUninit::uninit(),
    recorder: Recorder::new(),
    trace: None,
});

/// Whether [`KERNEL`] has been filled. Only panics have to ask.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Whether anything is written down.
static LOGGED: AtomicBool = AtomicBool::new(false);
/// Whether there is a log for replay.
static RECORDED: AtomicBool = AtomicBool::new(false);

/// Whether anything is written down.
#[inline(always)]
pub fn is_logged() -> bool {
    LOGGED.load(Relaxed)
}

/// Whether there is a log for replay.
fn is_recorded() -> bool {
    RECORDED.load(Relaxed)
}

/// Where the log goes: the debug port of emulators and of some boards.
struct DebugPort;

impl Sink for DebugPort {
    fn put(&mut self, bytes: &[u8]) {
        // SAFETY: (33) the debug port; it does not touch memory.
        let port = unsafe { Port::new(0xe9) };
        port.write_all(bytes);
    }
}

/// Logs bytes that the kernel proper read from memory, and from where, if there
/// is a log for replay.
#[cold]
pub fn log_bytes(pa: u32, bytes: &[u8]) {
    if is_recorded() {
        record::bytes_read(&mut DebugPort, pa, bytes);
    }
}

/// Puts the kernel in its place, and holds it: no CPU can enter yet. `usable`
/// is what it was made with.
pub fn install(core: Core, usable: impl Iterator<Item = Range<u32>> + Clone, logs: Logs) -> Holder {
    let mut holder = KERNEL.lock(|| {});
    let proper = &mut *holder;
    let core = proper.core.write(core);
    LOGGED.store(logs.record || logs.trace.is_some(), Relaxed);
    RECORDED.store(logs.record, Relaxed);
    proper.trace = logs.trace;
    if logs.record {
        proper.recorder.boot(&mut DebugPort, core, usable);
    }
    INSTALLED.store(true, Relaxed);
    holder
}

impl Proper {
    /// The kernel proper.
    #[inline(always)]
    fn core(&mut self) -> &mut Core {
        // SAFETY: (34) a CPU gets a `Holder` from `install`, or from the lock; and
        // until `install`'s is dropped, the lock is held.
        unsafe { self.core.assume_init_mut() }
    }

    /// The kernel proper, to look at.
    pub fn view(&self) -> &Core {
        // SAFETY: (89) as in `core`.
        unsafe { self.core.assume_init_ref() }
    }

    /// Makes an environment of a boot module.
    pub fn boot_env(&mut self, boot: Boot<'_>) -> Result<EnvId, LoadError> {
        if is_recorded() {
            self.recorder.module(&mut DebugPort, &boot);
        }
        let result = self.core().boot_env(boot);
        if is_recorded() {
            self.recorder.made(&mut DebugPort, result);
        }
        self.write_trace();
        result
    }

    /// One step, and no log.
    #[inline(always)]
    pub fn step(&mut self, cpu: CpuId, now: u64, event: Event, frame: &mut TrapFrame) -> Step {
        self.core().step(cpu, now, event, frame)
    }

    /// One step, and what is written down of it.
    #[cold]
    pub fn logged_step(
        &mut self,
        cpu: CpuId,
        now: u64,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Step {
        if is_recorded() {
            self.recorder.enter(&mut DebugPort, cpu, now, event, frame);
        }
        let step = self.core().step(cpu, now, event, frame);
        if is_recorded() {
            // SAFETY: (35) as in `core`; borrowed apart from the recorder.
            let core = unsafe { self.core.assume_init_ref() };
            self.recorder.leave(&mut DebugPort, cpu, core, &step, frame);
        }
        self.write_trace();
        step
    }

    /// Hands the trace's new records over, if it goes anywhere.
    fn write_trace(&mut self) {
        if let Some(device) = &mut self.trace {
            // SAFETY: (99) as in `core`; borrowed apart from the device.
            let core = unsafe { self.core.assume_init_mut() };
            let cpu = ThisCpu::get().id();
            core.trace_mut().take(|records| device.append(cpu, records));
            device.note_lost(core.trace().lost());
        }
    }

    /// One step, and what is to be written down of it.
    #[cold]
    pub fn any_step(&mut self, cpu: CpuId, now: u64, event: Event, frame: &mut TrapFrame) -> Step {
        if is_logged() {
            self.logged_step(cpu, now, event, frame)
        } else {
            self.step(cpu, now, event, frame)
        }
    }

    /// Details of the last step's effects.
    pub fn outbox(&mut self) -> &Outbox {
        self.core().outbox()
    }

    /// Hands over what was left on a CPU that had to give up its environment.
    pub fn parked(&mut self, cpu: CpuId, frame: &TrapFrame, event: Event) {
        if is_recorded() {
            self.recorder.parked(&mut DebugPort, cpu, frame, event);
        }
        self.core().parked(cpu, frame, event);
        self.write_trace();
    }

    /// The step's effects are done.
    pub fn settle(&mut self) {
        self.core().settle();
        if is_logged() {
            self.log_settled();
        }
    }

    /// Writes down that it settled.
    #[cold]
    fn log_settled(&mut self) {
        if is_recorded() {
            // SAFETY: (36) as in `core`; borrowed apart from the recorder.
            let core = unsafe { self.core.assume_init_ref() };
            self.recorder.settled(&mut DebugPort, core);
        }
        self.write_trace();
    }

    /// The run is over: ends the log, and writes out what was printed.
    pub fn end(&mut self) {
        if is_recorded() {
            // SAFETY: (37) as in `core`; borrowed apart from the recorder.
            let core = unsafe { self.core.assume_init_ref() };
            self.recorder.end(&mut DebugPort, core);
        }
        console::flush(self.core().console());
    }
}

/// For a panic: writes out what the kernel had printed.
pub fn flush_console() {
    if INSTALLED.load(Relaxed) {
        // SAFETY: (38) all other CPUs have been stopped, and this one never goes
        // back to what it was doing. The ring's state is plain numbers, and
        // whatever they are, safe code bounds them.
        let proper = unsafe { &mut *KERNEL.force() };
        console::flush(proper.core().console());
    }
}
