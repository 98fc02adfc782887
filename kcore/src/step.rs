//! What comes out of a step: all that the CPU has to do before it leaves.
//!
//! Together with [`crate::Event`] this is the *whole* list: if the hardware half
//! of the kernel did anything else on its own account, a recorded run would not
//! replay. Making it longer is a design decision.
//!
//! The hard thing is that a step cannot say nonsense. There are four ways to go
//! on, and each names only what makes sense with it: a CPU that idles has no page
//! to forget, one that resumes has nobody's registers to save. And still all of it
//! is two words, so that it comes back in registers; [`Outbox`] has the details.

use crate::ids::Slot;
use crate::ids::{CpuId, CpuSet};
use crate::phys::Pfn;
use abi::EnvId;

/// How a CPU goes on after an entry to the kernel.
#[must_use = "what a step asks for must be done, then the kernel settled"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Step {
    /// With the environment that it came with, whose registers are in the frame, on
    /// the page tables that are loaded.
    Resume(ToResume),
    /// With another environment, whose registers are in the frame now:
    /// [`Outbox::pgdir`], [`Outbox::id`]. A full quantum begins.
    Switch(ToSwitch),
    /// With none: it loads the kernel's page directory, lets go of the timer, and
    /// waits for an interrupt.
    Idle(ToIdle),
    /// With none, but work is left: as [`Step::Idle`], but instead of waiting it lets
    /// interrupts in once, and enters again.
    Again(ToEnterAgain),
}

bitflags::bitflags! {
    /// What any step may ask for. The others begin with the same bits.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Common: u32 {
        /// Post [`Outbox::remote`] to another CPU and wait until it is done.
        const REMOTE = 1;
        /// Send a wake-up interrupt to the CPUs in [`Outbox::wake`].
        const WAKE = 2;
        /// Give [`Outbox::chunk`] to the console, once the lock is dropped.
        const CONSOLE = 4;
        /// Call [`crate::Kernel::settle`] when all others are done.
        const SETTLE = 8;
    }

    /// What there is to do before the same environment goes on.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ToResume: u32 {
        /// What any step may ask for.
        const COMMON = Common::all().bits();
        /// As [`Common::SETTLE`].
        const SETTLE = Common::SETTLE.bits();
        /// Enter the monitor with the environment, which is at a breakpoint. First
        /// everything printed so far leaves the console; then the monitor may change
        /// the frame as the program itself could; then the environment goes on.
        const BREAK = 1 << 4;
        /// Start a full quantum on this CPU's timer.
        const QUANTUM = 1 << 5;
        /// Drop this CPU's translation of the page at [`Outbox::flush`].
        const FLUSH = 1 << 6;
        /// Drop all of this CPU's translations of user pages.
        const FLUSH_ALL = 1 << 7;
        /// Let it use the x87 and SSE registers, which are as after a reset.
        const FPU = 1 << 8;
        /// Before, load them with what was saved for [`Outbox::fpu`].
        const FPU_LOAD = 1 << 9;
    }

    /// What there is to do when an environment goes on that was not on this CPU.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ToSwitch: u32 {
        /// What any step may ask for.
        const COMMON = Common::all().bits();
        /// As [`ToResume::BREAK`].
        const BREAK = 1 << 4;
        /// It has never run: FS and GS are as every program begins with them,
        /// whatever is kept for its slot.
        const FIRST = 1 << 10;
        /// As [`ToIdle::FPU_SAVE`].
        const FPU_SAVE = 1 << 11;
        /// As [`ToIdle::FPU_RESET`].
        const FPU_RESET = 1 << 12;
    }

    /// What there is to do before the CPU waits.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ToIdle: u32 {
        /// What any step may ask for.
        const COMMON = Common::all().bits();
        /// Save the x87 and SSE registers for [`Outbox::fpu`], reset them, and let
        /// their next use trap.
        const FPU_SAVE = 1 << 11;
        /// Reset them, and let their next use trap: whose they were is no more.
        const FPU_RESET = 1 << 12;
        /// The run is over: [`Outbox::end`].
        const END = 1 << 13;
    }

    /// What there is to do before the CPU enters again.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ToEnterAgain: u32 {
        /// What any step may ask for.
        const COMMON = Common::all().bits();
        /// As [`ToIdle::FPU_SAVE`].
        const FPU_SAVE = 1 << 11;
        /// As [`ToIdle::FPU_RESET`].
        const FPU_RESET = 1 << 12;
    }
}

impl Step {
    /// What is to be done, by bits; each has the same meaning wherever it occurs.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        match self {
            Step::Resume(to) => to.bits(),
            Step::Switch(to) => to.bits(),
            Step::Idle(to) => to.bits(),
            Step::Again(to) => to.bits(),
        }
    }

    /// What any step may ask for.
    #[inline(always)]
    pub const fn common(self) -> Common {
        Common::from_bits_truncate(self.bits())
    }

    /// Whether the environment that goes on is at a breakpoint.
    #[inline(always)]
    pub const fn breaks(self) -> bool {
        match self {
            Step::Resume(to) => to.contains(ToResume::BREAK),
            Step::Switch(to) => to.contains(ToSwitch::BREAK),
            Step::Idle(_) | Step::Again(_) => false,
        }
    }

    /// Whether the run is over.
    #[inline(always)]
    pub const fn ends(self) -> bool {
        matches!(self, Step::Idle(to) if to.contains(ToIdle::END))
    }

    /// What becomes of the x87 and SSE registers of whoever leaves this CPU.
    #[inline(always)]
    pub const fn fpu_left(self) -> FpuLeft {
        let bits = match self {
            Step::Resume(_) => 0,
            _ => self.bits(),
        };
        let to = ToEnterAgain::from_bits_truncate(bits);
        if to.contains(ToEnterAgain::FPU_SAVE) {
            FpuLeft::Save
        } else if to.contains(ToEnterAgain::FPU_RESET) {
            FpuLeft::Reset
        } else {
            FpuLeft::Clean
        }
    }

    /// Whether the step says whose x87 and SSE registers are loaded or saved.
    pub const fn names_fpu(self) -> bool {
        match self {
            Step::Resume(to) => to.contains(ToResume::FPU_LOAD),
            _ => matches!(self.fpu_left(), FpuLeft::Save),
        }
    }
}

/// What becomes of the x87 and SSE registers on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FpuLeft {
    /// Nothing: nobody has used them since the last reset.
    Clean,
    /// They are saved, then reset.
    Save,
    /// They are reset.
    Reset,
}

/// What a step asks of another CPU. It runs the environment concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remote {
    /// Drop all translations of the loaded page tables.
    Flush(CpuId),
    /// Leave user mode for good: save the x87 and SSE registers if they are in use,
    /// publish registers and pending event, load the kernel's page directory.
    /// Answered by [`crate::Kernel::parked`].
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
    /// These bytes, if they are at most [`CHUNK`].
    pub fn new(text: &[u8]) -> Option<Chunk> {
        let mut chunk = Chunk::default();
        chunk.bytes.get_mut(..text.len())?.copy_from_slice(text);
        chunk.len = text.len() as u8;
        Some(chunk)
    }

    /// The bytes, at most [`CHUNK`].
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len as usize).unwrap_or(&self.bytes)
    }
}

/// Details of a step. A field means something only while the step names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Outbox {
    /// For [`Step::Switch`]: the page directory to load.
    pub pgdir: Pfn,
    /// For [`Step::Switch`]: the environment, for calls that are answered before
    /// the lock.
    pub id: EnvId,
    /// For [`ToResume::FLUSH`]: virtual address of the page.
    pub flush: u32,
    /// For [`ToResume::FPU_LOAD`] and [`ToIdle::FPU_SAVE`]: whose x87 and SSE
    /// registers.
    pub fpu: Slot,
    /// For [`Common::REMOTE`].
    pub remote: Option<Remote>,
    /// For [`Common::WAKE`].
    pub wake: CpuSet,
    /// For [`Common::CONSOLE`].
    pub chunk: Chunk,
    /// For [`ToIdle::END`].
    pub end: End,
}

impl Outbox {
    /// Only what `step` names; everything else as in an empty one. Two steps are the
    /// same if they and this are equal.
    #[must_use]
    pub fn named_by(&self, step: Step) -> Outbox {
        let mut named = Outbox::default();
        if let Step::Switch(_) = step {
            (named.pgdir, named.id) = (self.pgdir, self.id);
        }
        if let Step::Resume(to) = step
            && to.contains(ToResume::FLUSH)
        {
            named.flush = self.flush;
        }
        if step.names_fpu() {
            named.fpu = self.fpu;
        }
        let common = step.common();
        if common.contains(Common::REMOTE) {
            named.remote = self.remote;
        }
        if common.contains(Common::WAKE) {
            named.wake = self.wake;
        }
        if common.contains(Common::CONSOLE) {
            named.chunk = self.chunk;
        }
        if step.ends() {
            named.end = self.end;
        }
        named
    }
}
