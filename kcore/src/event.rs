//! Why a CPU entered the kernel.
//!
//! Together with [`crate::step`] this is the whole list of what goes in and out.
//! The hard thing is to whom an event belongs when another CPU takes the
//! environment away before the event is handled: one rule says so,
//! [`Event::divide`].

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
    /// An exception other than those that have events of their own; the frame says
    /// which.
    Exception,
    /// A page fault.
    PageFault {
        /// The address whose access faulted (CR2).
        va: u32,
    },
    /// An instruction on x87 or SSE registers, while the CPU lets nobody use them
    /// (the exception #NM).
    FpuUse,
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
    /// What becomes of the event if the environment is taken away before it is
    /// handled: what goes with the environment, and what is left to the CPU.
    ///
    /// A call or a fault is the environment's. What a device says stays with the
    /// CPU that heard it, or it would be lost with an environment that dies. The
    /// rest means nothing any more: an instruction that uses x87 registers is
    /// begun again, and a quantum was that environment's.
    #[must_use]
    pub const fn divide(self) -> (Option<Event>, Event) {
        match self {
            Event::Syscall | Event::FastSyscall | Event::Exception | Event::PageFault { .. } => {
                (Some(self), Event::Wake)
            }
            Event::FpuUse | Event::Timer | Event::Wake => (None, Event::Wake),
            Event::ConsoleReady | Event::ConsoleInput { .. } => (None, self),
        }
    }
}
