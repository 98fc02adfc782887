//! The shortest way through a step.
//!
//! Two calls are made so often, and do so little, that the way to them is most
//! of what they cost: `getenvid`, and `yield`, which is how programs wait and
//! how one environment hands its CPU to the next. They are answered here, if
//! the kernel is *quiet*: nothing is left over from earlier steps that this one
//! would have to go on with.
//!
//! The hard thing is that this must be no more than a shortcut. Whatever is
//! unusual is declined, before anything has changed, and goes the general way;
//! what is answered here comes to the same state and the same [`Step`] there,
//! but for [`Effects::SETTLE`], since there is nothing to settle. A property
//! test compares the two.

use crate::cpu::CpuId;
use crate::env::Slot;
use crate::event::{Effects, Event, Resume, Step};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use abi::{Call, TrapFrame};

/// Going on as if nothing had been.
const GO_ON: Step = Step {
    resume: Resume::Same,
    effects: Effects::empty(),
};

impl<M: PhysMem> Kernel<'_, M> {
    /// Makes the step if it is one of the short ones; else changes nothing.
    #[inline(always)]
    pub(crate) fn fast_step(
        &mut self,
        cpu: CpuId,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        if !matches!(event, Event::Syscall | Event::FastSyscall) || !self.quiet {
            return None;
        }
        let slot = self.cpus.current(cpu)?;
        let env = &self.envs[slot];
        match env.personality.call(frame.regs.eax)? {
            Call::GetEnvId => {
                frame.regs.eax = env.id.0 as u32;
                Some(GO_ON)
            }
            Call::Yield => self.fast_yield(cpu, slot, frame),
            _ => None,
        }
    }

    #[inline(always)]
    fn fast_yield(&mut self, cpu: CpuId, slot: Slot, frame: &mut TrapFrame) -> Option<Step> {
        let Some(next) = self.sched.ready.front() else {
            frame.regs.eax = 0;
            return Some(GO_ON);
        };
        if self.envs[next].pending.is_some() {
            return None;
        }
        frame.regs.eax = 0;
        self.effects = Effects::empty();
        self.sched.ready.pop_front(&mut self.envs);
        self.requeue(cpu, slot, frame);
        let resume = self.put_on_cpu(cpu, next, frame);
        Some(Step {
            resume,
            effects: self.effects,
        })
    }

    /// Whether the next step may be a short one: nothing is in limbo, dead,
    /// doomed or waiting to be printed, there is room for the kernel's own
    /// lines, and no fault is planted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.config.plant == crate::plant::Plant::NONE
            && self.frames.state.limbo.head == 0
            && !self.has_chores()
            && self.reaper.is_empty()
            && !self.console.is_crowded()
    }
}
