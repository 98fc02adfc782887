//! What gdb may ask of a machine that stands.
//!
//! The hard thing is that it asks in several words: first what each thread should do,
//! then to go. What was asked is carried out by the [server](super::server), which
//! hears Ctrl-C meanwhile.

use gdbstub::common::{Signal, Tid};
use gdbstub::target::ext::base::multithread::{
    MultiThreadResume, MultiThreadSchedulerLocking, MultiThreadSchedulerLockingOps,
    MultiThreadSingleStep, MultiThreadSingleStepOps,
};
use gdbstub::target::ext::base::reverse_exec::{
    ReverseCont, ReverseContOps, ReverseStep, ReverseStepOps,
};

use super::{Asked, Debugged, cpu};
use crate::debug::travel::Goal;

impl MultiThreadResume for Debugged<'_, '_> {
    fn resume(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn clear_resume_actions(&mut self) -> Result<(), Self::Error> {
        self.asked = Asked::default();
        Ok(())
    }

    /// A signal means nothing here.
    fn set_resume_action_continue(
        &mut self,
        _thread: Tid,
        _signal: Option<Signal>,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<MultiThreadSingleStepOps<'_, Self>> {
        Some(self)
    }

    fn support_scheduler_locking(&mut self) -> Option<MultiThreadSchedulerLockingOps<'_, Self>> {
        Some(self)
    }

    fn support_reverse_step(&mut self) -> Option<ReverseStepOps<'_, Tid, Self>> {
        Some(self)
    }

    fn support_reverse_cont(&mut self) -> Option<ReverseContOps<'_, Tid, Self>> {
        Some(self)
    }
}

impl MultiThreadSingleStep for Debugged<'_, '_> {
    fn set_resume_action_step(
        &mut self,
        thread: Tid,
        _signal: Option<Signal>,
    ) -> Result<(), Self::Error> {
        self.asked.goal = Some(Goal::Instruction(cpu(thread)));
        Ok(())
    }
}

impl MultiThreadSchedulerLocking for Debugged<'_, '_> {
    fn set_resume_action_scheduler_lock(&mut self) -> Result<(), Self::Error> {
        self.asked.alone = true;
        Ok(())
    }
}

impl ReverseStep<Tid> for Debugged<'_, '_> {
    fn reverse_step(&mut self, thread: Tid) -> Result<(), Self::Error> {
        self.asked = Asked {
            goal: Some(Goal::Instruction(cpu(thread))),
            backwards: true,
            alone: false,
        };
        Ok(())
    }
}

impl ReverseCont<Tid> for Debugged<'_, '_> {
    fn reverse_cont(&mut self) -> Result<(), Self::Error> {
        self.asked = Asked {
            goal: None,
            backwards: true,
            alone: false,
        };
        Ok(())
    }
}
