//! The kernel proper, in its place behind the big lock, and the log of what it
//! is told and answers.
//!
//! The kernel proper has four entry points; each is called from here and from
//! nowhere else, so that with `record=on` the log is complete and the run can
//! be replayed on another machine (see [`kcore::record`]). The hard thing is
//! that without it the log must cost nothing: one test on the way in decides,
//! and what follows it is compiled twice.

use crate::console;
use crate::phys::DirectMap;
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

/// The kernel proper, and what its log remembers.
pub struct Proper {
    core: MaybeUninit<Core>,
    recorder: Recorder,
}

/// The right to the kernel proper: this CPU holds the big lock.
pub type Holder = Guard<'static, Proper>;

/// The kernel proper of this machine.
pub static KERNEL: BigLock<Proper> = BigLock::new(Proper {
    core: MaybeUninit::uninit(),
    recorder: Recorder::new(),
});

/// Whether [`KERNEL`] has been filled. Only panics have to ask.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Whether there is a log.
static LOGGED: AtomicBool = AtomicBool::new(false);

/// Whether there is a log.
#[inline(always)]
pub fn is_logged() -> bool {
    LOGGED.load(Relaxed)
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

/// Logs bytes that the kernel proper read from memory, and from where.
#[cold]
pub fn log_bytes(pa: u32, bytes: &[u8]) {
    record::bytes_read(&mut DebugPort, pa, bytes);
}

/// Puts the kernel in its place, and holds it: no CPU can enter yet. `usable`
/// is what it was made with.
pub fn install(
    core: Core,
    usable: impl Iterator<Item = Range<u32>> + Clone,
    logged: bool,
) -> Holder {
    let mut holder = KERNEL.lock(|| {});
    let proper = &mut *holder;
    let core = proper.core.write(core);
    if logged {
        proper.recorder.boot(&mut DebugPort, core, usable);
    }
    INSTALLED.store(true, Relaxed);
    LOGGED.store(logged, Relaxed);
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
        if !is_logged() {
            return self.core().boot_env(boot);
        }
        self.recorder.module(&mut DebugPort, &boot);
        let result = self.core().boot_env(boot);
        self.recorder.made(&mut DebugPort, result);
        result
    }

    /// One step, and no log.
    #[inline(always)]
    pub fn step(&mut self, cpu: CpuId, now: u64, event: Event, frame: &mut TrapFrame) -> Step {
        self.core().step(cpu, now, event, frame)
    }

    /// One step, and its log.
    #[cold]
    pub fn logged_step(
        &mut self,
        cpu: CpuId,
        now: u64,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Step {
        self.recorder.enter(&mut DebugPort, cpu, now, event, frame);
        let step = self.core().step(cpu, now, event, frame);
        // SAFETY: (35) as in `core`; borrowed apart from the recorder.
        let core = unsafe { self.core.assume_init_ref() };
        self.recorder.leave(&mut DebugPort, cpu, core, &step, frame);
        step
    }

    /// One step, and its log if there is one.
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
        if is_logged() {
            self.recorder.parked(&mut DebugPort, cpu, frame, event);
        }
        self.core().parked(cpu, frame, event);
    }

    /// The step's effects are done.
    pub fn settle(&mut self) {
        self.core().settle();
        if is_logged() {
            // SAFETY: (36) as in `core`; borrowed apart from the recorder.
            let core = unsafe { self.core.assume_init_ref() };
            self.recorder.settled(&mut DebugPort, core);
        }
    }

    /// The run is over: ends the log, and writes out what was printed.
    pub fn end(&mut self) {
        if is_logged() {
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
