//! The short way through a step: a system call of a quiet kernel.
//!
//! The kernel is *quiet* when nothing is left over from earlier steps that this
//! one would have to go on with: nothing in limbo, dead, doomed or waiting to be
//! printed, room for the kernel's own lines, no fault planted. It nearly always
//! is. Then a system call need not ask for any of that, and the two calls that
//! are made most often are answered on the spot: `getenvid`, and `yield`, which
//! is how programs wait and how one environment hands its CPU to the next.
//!
//! The hard thing is that this must be no more than a shortcut. Whatever is
//! unusual is declined, before anything has changed, and goes the general way;
//! what is answered here comes to the same state and the same [`Step`] there. A
//! property test compares the two.

use crate::cpu::CpuId;
use crate::env::Slot;
use crate::event::{Effects, Event, Resume, Step};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::sched::Next;
use crate::syscall::Caller;
use abi::{Call, TrapFrame};

/// Going on as if nothing had been.
const GO_ON: Step = Step {
    resume: Resume::Same,
    effects: Effects::empty(),
};

impl<M: PhysMem> Kernel<'_, M> {
    /// Makes the step if it is a system call of a quiet kernel; else changes
    /// nothing.
    #[inline(always)]
    pub(crate) fn quiet_call(
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
        let call = env.personality.call(frame.regs.eax)?;
        match call {
            Call::GetEnvId => {
                frame.regs.eax = env.id.0 as u32;
                Some(GO_ON)
            }
            Call::Yield => self.quiet_yield(cpu, slot, frame),
            _ => Some(self.quiet_other(Caller { cpu, slot }, call, event, frame)),
        }
    }

    #[inline(always)]
    fn quiet_yield(&mut self, cpu: CpuId, slot: Slot, frame: &mut TrapFrame) -> Option<Step> {
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

    /// Any other call; what it leaves over is looked after as ever.
    #[inline(never)]
    fn quiet_other(
        &mut self,
        caller: Caller,
        call: Call,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Step {
        self.effects = Effects::empty();
        let resume = match self.perform(caller, call, event, frame) {
            Next::Same => Resume::Same,
            next => self.go_on(caller.cpu, frame, next),
        };
        self.close(resume)
    }

    /// Whether the next step may take the short way.
    #[inline(always)]
    pub(crate) fn is_quiet(&self) -> bool {
        self.config.plant == crate::plant::Plant::NONE
            && self.frames.state.limbo.head == 0
            && !self.has_chores()
            && self.reaper.is_empty()
            && !self.console.is_crowded()
    }
}
