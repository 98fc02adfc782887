//! A simulated multiprocessor PC around the kernel core.
//!
//! It does what the kernel's hardware half does, in the same order, but a
//! transition at a time: whoever drives it (a property test, the explorer)
//! decides which CPU moves next. [`entry`] is the way through the kernel and its
//! effects, [`user`] what a program does between two entries, [`call`] makes a
//! whole system call at once.
//!
//! The hard thing is to be *more* hostile than hardware, never less: TLBs keep
//! everything until told otherwise, interrupts arrive as late as they like, and
//! a CPU that waits for the lock still has its translations.

pub mod call;
pub mod entry;
pub mod fpu;
pub mod setup;
pub mod user;

use crate::audit::{self, Broken};
use crate::log::Log;
use crate::memory::Memory;
use crate::mmu::Tlb;
use abi::{EnvId, TrapFrame};
use kcore::{Common, CpuId, End, Event, Outbox, Pfn, Remote, Step};
use witness::trace::{Traced, Words};

pub use fpu::{Fpu, Saved};
pub use setup::{Program, Spec, Store};

/// What a CPU is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Running its environment's program.
    User,
    /// In the handler of the interrupt that says that there is mail.
    Serving,
    /// Waiting for the lock because of this event.
    Waiting(Event),
    /// Holding the lock, waiting for another CPU to obey.
    Performing,
    /// Halted until an interrupt, interrupts on.
    Idle,
    /// The run is over.
    Off,
}

/// A request by the holder of the lock to another CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mail {
    /// Drop all translations.
    Flush,
    /// Give up the environment.
    Stop,
}

/// One CPU.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cpu {
    /// What it is doing.
    pub mode: Mode,
    /// The registers of its environment.
    pub frame: TrapFrame,
    /// The page directory that it has loaded.
    pub cr3: Pfn,
    /// The translations that it remembers.
    pub tlb: Tlb,
    /// An inter-processor interrupt is pending.
    pub ipi: bool,
    /// A request that it has not answered.
    pub mail: Option<Mail>,
    /// When its timer interrupts, if that is running.
    pub due: Option<u64>,
    /// Its x87 and SSE registers.
    pub fpu: Fpu,
}

/// What a CPU left behind when it gave up its environment.
pub type Parked = (TrapFrame, Event);

/// The CPU that holds the lock, and what it still has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The CPU.
    pub cpu: CpuId,
    /// What its step returned.
    pub step: Step,
    /// Details of the step's effects.
    pub outbox: Outbox,
    /// What the stopped CPU left behind.
    pub parked: Option<Parked>,
}

impl Holder {
    /// The CPU that it has asked for something, if any.
    pub fn target(&self) -> Option<CpuId> {
        let asks = self.step.common().contains(Common::REMOTE);
        match self.outbox.remote {
            Some(Remote::Flush(cpu) | Remote::Stop(cpu)) if asks => Some(cpu),
            _ => None,
        }
    }
}

/// The console's transmitter.
#[derive(Clone, Debug, Default)]
pub struct Uart {
    /// A chunk was taken and not yet answered.
    pub busy: bool,
    /// Answers at once, on the CPU that wrote. Otherwise
    /// [`Machine::console_ready`] answers.
    pub instant: bool,
    /// Everything printed so far.
    pub output: Vec<u8>,
}

/// The machine.
pub struct Machine<'t> {
    /// The kernel core, with physical memory in it.
    pub kernel: Traced<'t, Memory>,
    /// The CPUs.
    pub cpus: Vec<Cpu>,
    /// What is saved of x87 and SSE registers.
    pub saved: Saved,
    /// Who holds the lock between two transitions: only a CPU that waits for
    /// another does.
    pub holder: Option<Holder>,
    /// Nanoseconds since boot.
    pub now: u64,
    /// The console's other end.
    pub uart: Uart,
    /// How the run ended, if it did.
    pub end: Option<End>,
    /// Whether the processor notes accesses in page tables.
    pub usage_bits: bool,
    /// The log of the run, if one is kept.
    pub log: Option<Log>,
    /// The trace of the run so far, if one is kept.
    pub trace: Vec<Words>,
    pub(crate) spec: Spec,
    scratch: Vec<u32>,
}

impl Machine<'_> {
    /// A CPU by number.
    pub fn cpu(&self, cpu: CpuId) -> &Cpu {
        &self.cpus[cpu.0 as usize]
    }

    /// A CPU by number, to change.
    pub fn cpu_mut(&mut self, cpu: CpuId) -> &mut Cpu {
        &mut self.cpus[cpu.0 as usize]
    }

    /// The numbers of all CPUs.
    pub fn cpu_ids(&self) -> impl Iterator<Item = CpuId> + use<> {
        (0..self.cpus.len() as u8).map(CpuId)
    }

    /// The environment that the kernel thinks is on `cpu`.
    pub fn env_on(&self, cpu: CpuId) -> Option<EnvId> {
        let slot = self.kernel.cpus().current(cpu)?;
        Some(self.kernel.envs()[slot].id)
    }

    /// How many environments wait for a CPU.
    pub fn queued(&self) -> usize {
        let envs = self.kernel.envs();
        envs.used().filter(|&slot| envs[slot].is_queued()).count()
    }

    /// All invariants of the kernel; the lock must be free.
    pub fn audit(&mut self) -> Result<(), Broken> {
        self.scratch.resize(self.spec.frames as usize, 0);
        audit::audit(&self.kernel, &mut self.scratch)
    }

    /// The frames that the kernel may allocate.
    pub fn usable(&self) -> std::ops::Range<u32> {
        self.spec.usable()
    }

    /// Takes the records out that the kernel's trace got.
    pub fn take_trace(&mut self) {
        let trace = &mut self.trace;
        self.kernel
            .watcher_mut()
            .take(|records| trace.extend_from_slice(records));
    }

    /// Gives the address of a stray memory access, if the kernel made one.
    pub fn stray(&self) -> Option<u32> {
        self.kernel.memory().stray()
    }
}
