//! What a simulated machine consists of: CPUs and what they do, the console's
//! transmitter, the lock's holder.
//!
//! The hard thing is to keep what hardware remembers apart from what the kernel
//! knows. So nothing here asks the kernel.

use super::registers::Registers;
use crate::mmu::Tlb;
use abi::TrapFrame;
use kcore::env::Slot;
use kcore::{Common, CpuId, Event, Outbox, Pfn, Remote, Step};

/// What a CPU is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Running its environment's program.
    User,
    /// In the handler of the interrupt that announces mail.
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
    /// The page directory of its environment, which it loads before it uses it.
    pub cr3: Pfn,
    /// The one that it still has loaded, while it is on its way out of the kernel.
    pub leaving: Option<Pfn>,
    /// The translations that it remembers.
    pub tlb: Tlb,
    /// An inter-processor interrupt is pending.
    pub ipi: bool,
    /// A request that it has not answered yet.
    pub mail: Option<Mail>,
    /// When its timer will interrupt, if the timer is running.
    pub due: Option<u64>,
    /// Its x87 and SSE registers.
    pub fpu: Fpu,
}

/// What a CPU hands over when it gives up its environment.
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
    /// What the stopped CPU handed over.
    pub parked: Option<Parked>,
}

impl Holder {
    /// The CPU that it has sent a request to, if any.
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
    /// A chunk was taken, and its interrupt has not come yet.
    pub busy: bool,
    /// Interrupts at once, the CPU that wrote. Otherwise a test calls
    /// `Machine::console_ready`.
    pub instant: bool,
    /// Everything printed so far.
    pub output: Vec<u8>,
}

/// One CPU's x87 and SSE registers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fpu {
    /// The environment that can use them without a trap.
    pub user: Option<Slot>,
    /// What is in them.
    pub value: Registers,
}
