//! What comes together during a step, before anybody knows how it ends.
//!
//! Handlers note what has to be done to the machine in [`Effects`], and say with
//! [`Next`] what becomes of the environment that entered; the scheduler makes a
//! [`Way`] of that. The hard thing is that a step may begin as one thing and end as
//! another: who changed its own page and is then switched away need not flush any
//! more. So what means nothing to the end is dropped there, in one place.

use crate::step::{Common, Step, ToEnterAgain, ToIdle, ToResume, ToSwitch};

bitflags::bitflags! {
    /// What is to be done so far. A bit means the same as in the step that it gets
    /// into.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Effects: u32 {
        const REMOTE = Common::REMOTE.bits();
        const WAKE = Common::WAKE.bits();
        const CONSOLE = Common::CONSOLE.bits();
        const SETTLE = Common::SETTLE.bits();
        const BREAK = ToResume::BREAK.bits();
        const QUANTUM = ToResume::QUANTUM.bits();
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

/// How a step ends: [`Step`] without what there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Resume,
    Switch,
    Idle,
    Again,
}

impl Effects {
    /// The step that goes this way.
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
    /// It goes on.
    Same,
    /// It goes to the end of the queue.
    Yield,
    /// It is on this CPU no more.
    Gone,
    /// It is on this CPU no more, and what it has begun goes on when it gets one
    /// again; but first this CPU lets the lock go.
    Later,
}
