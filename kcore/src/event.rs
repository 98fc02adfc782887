//! Why a CPU entered the kernel.
//!
//! Together with [`crate::step`] this lists all that goes into the core and comes
//! out of it. The hard thing: another CPU may take the environment away before
//! its event is handled. [`Event::divide`] decides who keeps the event then.

/// Why a CPU entered the kernel. The trapped registers are passed separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Event {
    /// `int 0x30`: number in eax, arguments in edx, ecx, ebx, edi, esi.
    Syscall,
    /// `sysenter`: as [`Event::Syscall`], but the caller passes its eip and esp in
    /// esi and ebp, and the fifth argument is the word at that esp.
    FastSyscall,
    /// Any exception without an event of its own; the frame's trap number says
    /// which.
    Exception,
    /// A page fault.
    PageFault {
        /// The faulting address, from CR2.
        va: u32,
    },
    /// An x87 or SSE instruction on a CPU that has them disabled (exception #NM).
    FpuUse,
    /// This CPU's timer has rung, and is stopped.
    Timer,
    /// "Look again": a wake-up interrupt, a CPU that has just started, or one whose
    /// environment was taken away.
    Wake,
    /// The console's transmitter has room for another chunk.
    ConsoleReady,
    /// The console delivered a byte.
    ConsoleInput {
        /// What was typed.
        byte: u8,
    },
}

impl Event {
    /// Divides an event that was not handled before the environment was taken away:
    /// what goes with the environment, and what the CPU keeps.
    ///
    /// A call or a fault goes with the environment. What a device or the timer said
    /// stays with the CPU that received it; else it would be lost when the environment
    /// dies. An x87 instruction loses its meaning: it traps again when it is restarted.
    #[must_use]
    pub const fn divide(self) -> (Option<Event>, Event) {
        match self {
            Event::Syscall | Event::FastSyscall | Event::Exception | Event::PageFault { .. } => {
                (Some(self), Event::Wake)
            }
            Event::FpuUse | Event::Wake => (None, Event::Wake),
            Event::Timer | Event::ConsoleReady | Event::ConsoleInput { .. } => (None, self),
        }
    }
}
