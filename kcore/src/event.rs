//! What goes into a step, and what comes out.
//!
//! [`Event`] is why a CPU entered the kernel; [`Step`] is what the CPU has to
//! do before it leaves. The hard thing is that this is the *whole* list: if the
//! hardware half of the kernel did anything else on its own account, a
//! recorded run would not replay. Making it longer is a design decision.

use crate::cpu::{CpuId, CpuSet};
use crate::phys::Pfn;
use abi::EnvId;

/// Why a CPU entered the kernel. The trapped registers come beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Event {
    /// `int 0x30`: number in eax, arguments in edx, ecx, ebx, edi, esi.
    Syscall,
    /// `sysenter`: as [`Event::Syscall`], but the frame's eip and esp are what
    /// the caller left in esi and ebp, and the fifth argument is the word at
    /// that esp.
    FastSyscall,
    /// An exception other than a page fault; the frame says which.
    Exception,
    /// A page fault.
    PageFault {
        /// The address whose access faulted (CR2).
        va: u32,
    },
    /// The quantum ended.
    Timer,
    /// Nothing but "look again": a wake-up interrupt, a CPU that just came up,
    /// or one whose environment was taken away.
    Wake,
    /// The console's transmitter has room for another chunk.
    ConsoleReady,
    /// A byte arrived from the console.
    ConsoleInput {
        /// The byte.
        byte: u8,
    },
}

impl Event {
    /// What is left to a CPU whose environment was taken away while it waited
    /// to enter because of this event: a device's concerns it still, anything
    /// else went with the environment.
    #[must_use]
    pub const fn without_environment(self) -> Event {
        match self {
            Event::ConsoleReady | Event::ConsoleInput { .. } => self,
            _ => Event::Wake,
        }
    }
}

/// What a CPU does on leaving the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Resume {
    /// Returns to the frame as it now is, on the page tables that are loaded.
    Same,
    /// The frame now holds another environment's registers:
    /// [`Outbox::pgdir`], [`Outbox::id`].
    Switch,
    /// Nothing to run: load the kernel's page directory, let go of the timer,
    /// wait for an interrupt.
    Idle,
}

bitflags::bitflags! {
    /// What else has to be done to the machine; details are in [`Outbox`].
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Effects: u32 {
        /// Drop this CPU's translation of the page at [`Outbox::flush`].
        const FLUSH = 1;
        /// Post [`Outbox::remote`] to another CPU and wait until it is done.
        const REMOTE = 2;
        /// Send a wake-up interrupt to the CPUs in [`Outbox::wake`].
        const WAKE = 4;
        /// Start a full quantum on this CPU's timer.
        const TIMER = 8;
        /// Give [`Outbox::chunk`] to the console, once the lock is dropped.
        const CONSOLE = 16;
        /// Work is left over: do not wait for an interrupt, let the lock go and
        /// enter again. Comes with [`Resume::Idle`].
        const AGAIN = 32;
        /// The run is over: [`Outbox::end`].
        const END = 64;
        /// Call [`crate::Kernel::settle`] when all others are done.
        const SETTLE = 128;
        /// Enter the monitor with the environment that is resumed, which is at
        /// a breakpoint. First everything printed so far leaves the console;
        /// then the monitor may change the frame as the program itself could;
        /// then the environment goes on.
        const BREAK = 256;
        /// [`Outbox::id`] was put on a CPU for the first time, though it may have
        /// left again before it ran: whatever the machine keeps for its slot (x87
        /// registers, FS and GS) was another's.
        const NEW = 512;
        /// Drop all of this CPU's translations of user pages.
        const FLUSH_ALL = 1024;
    }
}

/// What a step asks of another CPU. It runs the environment concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remote {
    /// Drop all translations of the loaded page tables.
    Flush(CpuId),
    /// Leave user mode for good: publish registers and pending event, load the
    /// kernel's page directory. Answered by [`crate::Kernel::parked`].
    Stop(CpuId),
}

/// How a run ends when nothing is left to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum End {
    /// Switch the machine off.
    #[default]
    PowerOff,
    /// Enter the kernel monitor, as JOS does.
    Monitor,
}

/// Bytes that a UART's transmit FIFO takes at once.
pub const CHUNK: usize = 16;

/// A piece of console output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chunk {
    pub(crate) len: u8,
    pub(crate) bytes: [u8; CHUNK],
}

impl Chunk {
    /// The bytes, at most [`CHUNK`].
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len as usize).unwrap_or(&self.bytes)
    }
}

/// Details of a step's answer. A field means something only while the step's
/// [`Resume`] or [`Effects`] name it. (The step itself is two words, so that it
/// comes back in registers.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// For [`Resume::Switch`]: the page directory to load.
    pub pgdir: Pfn,
    /// For [`Resume::Switch`]: the environment, for calls that are answered
    /// before the lock. For [`Effects::NEW`]: the new one.
    pub id: EnvId,
    /// For [`Effects::FLUSH`]: virtual address of the page.
    pub flush: u32,
    /// For [`Effects::REMOTE`].
    pub remote: Option<Remote>,
    /// For [`Effects::WAKE`].
    pub wake: CpuSet,
    /// For [`Effects::CONSOLE`].
    pub chunk: Chunk,
    /// For [`Effects::END`].
    pub end: End,
}

/// The outcome of one kernel entry.
#[must_use = "a step's effects must be performed, then the kernel settled"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What this CPU does next.
    pub resume: Resume,
    /// What must be done first; details in [`crate::Kernel::outbox`].
    pub effects: Effects,
}
