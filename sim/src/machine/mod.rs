//! A simulated multiprocessor PC around the kernel core.
//!
//! It does what the kernel's hardware half does, in the same order, but one
//! transition at a time: its driver (a property test, the explorer) decides which
//! CPU moves next. [`entry`] is the way through the kernel and its effects,
//! [`user`] what a program does between two entries; [`call`] makes a whole system
//! call in one go.
//!
//! The hard thing is to be *more* hostile than hardware, never less: TLBs keep
//! everything until told otherwise, interrupts arrive as late as they like, and
//! a CPU that waits for the lock still has its translations.

pub mod call;
pub mod entry;
pub mod fpu;
pub mod parts;
pub mod registers;
pub mod setup;
pub mod spec;
pub mod user;

use crate::audit::{self, Broken};
use crate::log::Log;
use crate::memory::Memory;
use abi::EnvId;
use kcore::{CpuId, End};
use witness::trace::{Traced, Words};

pub use parts::{Cpu, Fpu, Holder, Mail, Mode, Parked, Uart};
pub use setup::{Program, Store};
pub use spec::Spec;

/// The machine.
pub struct Machine<'t> {
    /// The kernel core, with physical memory in it.
    pub kernel: Traced<'t, Memory>,
    /// The CPUs.
    pub cpus: Vec<Cpu>,
    /// The CPU that holds the lock between two transitions, if any. It is
    /// waiting for another CPU to obey.
    pub holder: Option<Holder>,
    /// Nanoseconds since boot.
    pub now: u64,
    /// The console's other end.
    pub uart: Uart,
    /// How the run ended, if it did.
    pub end: Option<End>,
    /// Whether the processor sets A and D bits in page tables.
    pub usage_bits: bool,
    /// The log of the run, if one is kept.
    pub log: Option<Log>,
    /// Where the kernel has read bytes for a program, and how many, if somebody wants to
    /// know: physical addresses.
    pub readings: Option<Vec<(u32, u32)>>,
    /// The trace of the run so far, if one is kept.
    pub trace: Vec<Words>,
    pub(crate) spec: Spec,
    scratch: Vec<u32>,
}

impl Machine<'_> {
    /// A CPU by number.
    #[inline]
    pub fn cpu(&self, cpu: CpuId) -> &Cpu {
        &self.cpus[cpu.0 as usize]
    }

    /// A CPU by number, to change.
    #[inline]
    pub fn cpu_mut(&mut self, cpu: CpuId) -> &mut Cpu {
        &mut self.cpus[cpu.0 as usize]
    }

    /// The numbers of all CPUs.
    pub fn cpu_ids(&self) -> impl Iterator<Item = CpuId> + use<> {
        (0..self.cpus.len() as u8).map(CpuId)
    }

    /// The environment that the kernel thinks is on `cpu`.
    #[inline]
    pub fn env_on(&self, cpu: CpuId) -> Option<EnvId> {
        let slot = self.kernel.cpus().current(cpu)?;
        Some(self.kernel.envs()[slot].id)
    }

    /// How many environments wait for a CPU.
    pub fn queued(&self) -> usize {
        let envs = self.kernel.envs();
        envs.used().filter(|&slot| envs[slot].is_queued()).count()
    }

    /// Checks all invariants of the kernel. The lock must be free.
    pub fn audit(&mut self) -> Result<(), Broken> {
        self.scratch.resize(self.spec.frames as usize, 0);
        audit::audit(&self.kernel, &mut self.scratch)
    }

    /// The frames that the kernel may allocate.
    pub fn usable(&self) -> std::ops::Range<u32> {
        self.spec.usable()
    }

    /// Moves new records from the kernel's trace to [`Machine::trace`].
    pub fn take_trace(&mut self) {
        let trace = &mut self.trace;
        self.kernel
            .watcher_mut()
            .take(|records| trace.extend_from_slice(records));
    }

    /// The address of the kernel's first access outside memory, if it made one.
    pub fn stray(&self) -> Option<u32> {
        self.kernel.memory().stray()
    }
}
