//! What a step collects before it is clear how the step ends.
//!
//! Handlers note in [`Effects`] what the machine must do, and return in [`Next`]
//! what becomes of the environment that entered; from that the scheduler chooses a
//! [`Way`] to end the step. The hard thing is that effects may become pointless: an
//! environment that changed its own page and then left the CPU needs no flush.
//! [`Effects::step`] drops all that the chosen way cannot ask for.

use crate::step::{Common, Step, ToEnterAgain, ToIdle, ToResume, ToSwitch};

bitflags::bitflags! {
    /// The effects collected so far. A bit means the same here as in a step.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Effects: u32 {
        const REMOTE = Common::REMOTE.bits();
        const WAKE = Common::WAKE.bits();
        const CONSOLE = Common::CONSOLE.bits();
        const SETTLE = Common::SETTLE.bits();
        const CLEAR = Common::CLEAR.bits();
        const BREAK = ToResume::BREAK.bits();
        const TIMER = ToResume::TIMER.bits();
        const FLUSH = ToResume::FLUSH.bits();
        const FLUSH_ALL = ToResume::FLUSH_ALL.bits();
        const FPU = ToResume::FPU.bits();
        const FPU_LOAD = ToResume::FPU_LOAD.bits();
        const FIRST = ToSwitch::FIRST.bits();
        const FPU_SAVE = ToIdle::FPU_SAVE.bits();
        const FPU_RESET = ToIdle::FPU_RESET.bits();
        const END = ToIdle::END.bits();
    }
}

/// How a step ends: a [`Step`] without its effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Resume,
    Switch,
    Idle,
    Again,
}

impl Effects {
    /// The step that ends in this way.
    #[inline(always)]
    pub(crate) const fn step(self, way: Way) -> Step {
        let bits = self.bits();
        match way {
            Way::Resume => Step::Resume(ToResume::from_bits_truncate(bits)),
            Way::Switch => Step::Switch(ToSwitch::from_bits_truncate(bits)),
            Way::Idle => Step::Idle(ToIdle::from_bits_truncate(bits)),
            Way::Again => Step::Again(ToEnterAgain::from_bits_truncate(bits)),
        }
    }
}

/// What becomes of the environment on this CPU.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It continues.
    Same,
    /// It goes to the end of the run queue.
    Yield,
    /// It has left this CPU.
    Gone,
    /// It has left this CPU to the one in [`crate::Kernel::heir`].
    HandOver,
    /// It has left this CPU, and this CPU must drop the lock before it takes the next
    /// environment.
    Later,
}
