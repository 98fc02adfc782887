//! The result of a step: all that the CPU must do before it leaves the kernel.
//!
//! Together with [`crate::Event`] this is the *whole* list: if the hardware half
//! of the kernel did anything else of its own accord, a recorded run would not
//! replay. Making the list longer is a design decision.
//!
//! The hard thing is that a step cannot say nonsense. It ends in one of four ways,
//! and each can ask only for what makes sense with it: an idle CPU has no page to
//! flush, and a CPU that resumes an environment has no registers to save. A step
//! still takes only two words, so it is returned in registers; [`Outbox`] holds
//! the details.

use crate::ids::{CpuId, CpuSet, Slot};
use crate::phys::Pfn;
use abi::EnvId;

/// How a CPU continues after an entry to the kernel.
#[must_use = "the caller must do what a step asks for, then settle the kernel"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Step {
    /// With the environment it entered with: the frame holds its registers, and its
    /// page tables are loaded.
    Resume(ToResume),
    /// With another environment, described by [`Outbox::pgdir`] and [`Outbox::id`]:
    /// the frame holds its registers now.
    Switch(ToSwitch),
    /// Without an environment: it loads the kernel's page directory, stops its timer
    /// unless [`ToIdle::TIMER`] starts it, and waits for an interrupt.
    Idle(ToIdle),
    /// As [`Step::Idle`], but work is left: instead of waiting, the CPU lets pending
    /// interrupts in once and enters the kernel again.
    Again(ToEnterAgain),
}

bitflags::bitflags! {
    /// What any step may ask for. The sets below begin with the same bits.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Common: u32 {
        /// Post [`Outbox::remote`] to another CPU and wait until that CPU has done it.
        const REMOTE = 1;
        /// Send a wake-up interrupt to the CPUs in [`Outbox::wake`].
        const WAKE = 2;
        /// Give [`Outbox::chunk`] to the console after dropping the lock.
        const CONSOLE = 4;
        /// Call [`crate::Kernel::settle`] after everything else.
        const SETTLE = 8;
        /// Fill the frame [`Outbox::clear`] with zeroes after dropping the lock, before
        /// anything else happens on this CPU.
        const CLEAR = 1 << 14;
    }

    /// What the CPU must do before the same environment continues.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ToResume: u32 {
        /// The bits of [`Common`].
        const COMMON = Common::all().bits();
        /// As [`Common::SETTLE`].
        const SETTLE = Common::SETTLE.bits();
        /// As [`Common::CLEAR`].
        const CLEAR = Common::CLEAR.bits();
        /// Enter the monitor with the environment, which is at a breakpoint. First
        /// drain the console. The monitor may change the frame as the program itself
        /// could; then the environment continues.
        const BREAK = 1 << 4;
        /// Make this CPU's timer interrupt once, after [`Outbox::timer`].
        const TIMER = 1 << 5;
        /// Flush this CPU's translation of the page at [`Outbox::flush`].
        const FLUSH = 1 << 6;
        /// Flush all of this CPU's translations of user pages.
        const FLUSH_ALL = 1 << 7;
        /// Enable the x87 and SSE registers, which are in their reset state.
        const FPU = 1 << 8;
        /// Then load the state that was saved for [`Outbox::fpu`] into them.
        const FPU_LOAD = 1 << 9;
    }

    /// What the CPU must do before another environment continues.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ToSwitch: u32 {
        /// The bits of [`Common`].
        const COMMON = Common::all().bits();
        /// As [`ToResume::BREAK`].
        const BREAK = 1 << 4;
        /// As [`ToResume::TIMER`]. Otherwise the timer runs, and rings early enough.
        const TIMER = 1 << 5;
        /// The environment has never run: give FS and GS their initial values, and
        /// ignore any that were kept for its slot.
        const FIRST = 1 << 10;
        /// As [`ToIdle::FPU_SAVE`].
        const FPU_SAVE = 1 << 11;
        /// As [`ToIdle::FPU_RESET`].
        const FPU_RESET = 1 << 12;
    }

    /// What the CPU must do before it waits.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ToIdle: u32 {
        /// The bits of [`Common`].
        const COMMON = Common::all().bits();
        /// As [`ToResume::TIMER`]: somebody's wait has an end.
        const TIMER = 1 << 5;
        /// Save the x87 and SSE registers for [`Outbox::fpu`], then as
        /// [`ToIdle::FPU_RESET`].
        const FPU_SAVE = 1 << 11;
        /// Reset the x87 and SSE registers and make their next use trap: the
        /// environment that used them is dead.
        const FPU_RESET = 1 << 12;
        /// The run is over: [`Outbox::end`].
        const END = 1 << 13;
    }

    /// What the CPU must do before it enters again.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ToEnterAgain: u32 {
        /// The bits of [`Common`].
        const COMMON = Common::all().bits();
        /// As [`ToSwitch::FIRST`], for the environment [`Outbox::id`]: it finished an entry that
        /// it was given, and left.
        const FIRST = 1 << 10;
        /// As [`ToIdle::FPU_SAVE`].
        const FPU_SAVE = 1 << 11;
        /// As [`ToIdle::FPU_RESET`].
        const FPU_RESET = 1 << 12;
    }
}

impl Step {
    /// All bits of the step; a bit means the same in every set.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        match self {
            Step::Resume(to) => to.bits(),
            Step::Switch(to) => to.bits(),
            Step::Idle(to) => to.bits(),
            Step::Again(to) => to.bits(),
        }
    }

    /// The part that any step may have.
    #[inline(always)]
    pub const fn common(self) -> Common {
        Common::from_bits_truncate(self.bits())
    }

    /// Whether the environment that continues is at a breakpoint.
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

    /// What to do with the x87 and SSE registers of the environment that leaves.
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

    /// Whether the environment [`Outbox::id`] has been on a CPU for the first time.
    #[inline(always)]
    pub const fn is_first(self) -> bool {
        match self {
            Step::Switch(to) => to.contains(ToSwitch::FIRST),
            Step::Again(to) => to.contains(ToEnterAgain::FIRST),
            Step::Resume(_) | Step::Idle(_) => false,
        }
    }

    /// Whether [`Outbox::timer`] means something: the step starts the timer.
    pub const fn starts_timer(self) -> bool {
        match self {
            Step::Resume(to) => to.contains(ToResume::TIMER),
            Step::Switch(to) => to.contains(ToSwitch::TIMER),
            Step::Idle(to) => to.contains(ToIdle::TIMER),
            Step::Again(_) => false,
        }
    }

    /// Whether [`Outbox::fpu`] means something: the step loads or saves registers.
    pub const fn names_fpu(self) -> bool {
        match self {
            Step::Resume(to) => to.contains(ToResume::FPU_LOAD),
            _ => matches!(self.fpu_left(), FpuLeft::Save),
        }
    }
}

/// What to do with a CPU's x87 and SSE registers when an environment leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FpuLeft {
    /// Nothing: no environment has used them since the last reset.
    Clean,
    /// Save them, then reset them.
    Save,
    /// Reset them without saving.
    Reset,
}

/// What a step asks of another CPU, which runs the environment concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remote {
    /// Flush all translations of user pages.
    Flush(CpuId),
    /// Give up the environment: save the x87 and SSE registers if they are in use,
    /// publish the registers and the pending event, load the kernel's page directory.
    /// [`crate::Kernel::parked`] takes the answer.
    Stop(CpuId),
}

/// How a run ends when no environment is left.
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

/// A piece of console output, of at most [`CHUNK`] bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chunk {
    pub(crate) len: u8,
    pub(crate) bytes: [u8; CHUNK],
}

impl Chunk {
    /// A chunk of `text`; `None` if that is too long.
    pub fn new(text: &[u8]) -> Option<Chunk> {
        let mut chunk = Chunk::default();
        chunk.bytes.get_mut(..text.len())?.copy_from_slice(text);
        chunk.len = text.len() as u8;
        Some(chunk)
    }

    /// The text of the chunk.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len as usize).unwrap_or(&self.bytes)
    }
}

/// Details of a step. A field is valid only if the step's bits name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Outbox {
    /// For [`Step::Switch`]: the page directory to load.
    pub pgdir: Pfn,
    /// For [`Step::Switch`]: the environment's id, for calls that are answered
    /// before taking the lock. For [`ToEnterAgain::FIRST`]: the id of the one that left.
    pub id: EnvId,
    /// For [`ToResume::TIMER`]: when the timer interrupts, in ticks from now.
    pub timer: u64,
    /// For [`ToResume::FLUSH`]: virtual address of the page.
    pub flush: u32,
    /// For [`ToResume::FPU_LOAD`] and [`ToIdle::FPU_SAVE`]: the owner of the x87 and
    /// SSE registers.
    pub fpu: Slot,
    /// For [`Common::REMOTE`]: the request.
    pub remote: Option<Remote>,
    /// For [`Common::WAKE`]: the idle CPUs to interrupt.
    pub wake: CpuSet,
    /// For [`Common::CLEAR`]: the frame to fill.
    pub clear: Pfn,
    /// For [`Common::CONSOLE`]: the bytes to write.
    pub chunk: Chunk,
    /// For [`ToIdle::END`]: how the run ends.
    pub end: End,
}
