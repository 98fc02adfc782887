//! The short way through a step: a system call, or a page fault that its program
//! handles itself, of a quiet kernel.
//!
//! The kernel is *quiet* when nothing is left over from earlier steps that this
//! one would have to go on with: nothing in limbo, dead, dying or waiting to be
//! printed, room for the kernel's own lines, nobody listening. It
//! nearly always is. Then a system call need not ask for any of that, and the
//! calls that are made most often are answered on the spot: `getenvid`; `yield`,
//! which is how programs wait and how one environment hands its CPU to the next;
//! and messages.
//!
//! The hard thing is that this must be no more than a shortcut. Whatever is
//! unusual is declined, before anything has changed, and goes the general way;
//! what is answered here comes to the same state and the same [`Step`] there. A
//! property test compares the two.

use crate::effects::Next;
use crate::effects::{Effects, Way};
use crate::event::Event;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::step::{Step, ToResume};
use crate::syscall::{Caller, Outcome};
use crate::watch::Watcher;
use abi::{Call, TrapFrame};

/// Going on as if nothing had been.
const GO_ON: Step = Step::Resume(ToResume::empty());

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes the step if it is one of a quiet kernel and there is a short way;
    /// else changes nothing.
    #[inline(always)]
    pub(crate) fn quiet_step(
        &mut self,
        cpu: CpuId,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        if !self.quiet {
            return None;
        }
        match event {
            Event::Syscall | Event::FastSyscall => self.quiet_call(cpu, event, frame),
            Event::PageFault { va } => self.quiet_fault(cpu, va, frame),
            _ => None,
        }
    }

    #[inline(always)]
    fn quiet_call(&mut self, cpu: CpuId, event: Event, frame: &mut TrapFrame) -> Option<Step> {
        let slot = self.cpus.current(cpu)?;
        let env = &self.envs[slot];
        let caller = Caller { cpu, slot };
        match env.personality.call(frame.regs.eax)? {
            Call::GetEnvId => {
                frame.regs.eax = env.id.0 as u32;
                Some(GO_ON)
            }
            Call::Yield => self.quiet_yield(cpu, slot, frame),
            call @ (Call::IpcTrySend | Call::IpcSend | Call::IpcRecv) => {
                Some(self.quiet_message(caller, call, frame))
            }
            call => {
                self.fast = event == Event::FastSyscall;
                Some(self.quiet_other(caller, call, frame))
            }
        }
    }

    /// A page fault whose program has a handler.
    #[inline(always)]
    fn quiet_fault(&mut self, cpu: CpuId, va: u32, frame: &mut TrapFrame) -> Option<Step> {
        let slot = self.cpus.current(cpu)?;
        let upcall = self.envs[slot].upcall;
        if upcall == 0 {
            return None;
        }
        self.effects = Effects::empty();
        match self.reflect(cpu, slot, va, upcall, frame) {
            Next::Same => Some(GO_ON),
            // It has no place for its registers, and is no more.
            next => {
                let way = self.carry_out(cpu, frame, next);
                Some(self.end_step(way))
            }
        }
    }

    #[inline(always)]
    fn quiet_yield(&mut self, cpu: CpuId, slot: Slot, frame: &mut TrapFrame) -> Option<Step> {
        let Some(next) = self.sched.ready.next() else {
            frame.regs.eax = 0;
            return Some(GO_ON);
        };
        if self.envs[next].pending.is_some() {
            return None;
        }
        frame.regs.eax = 0;
        self.effects = Effects::empty();
        self.sched.ready.take_next(&mut self.envs);
        self.requeue(cpu, slot, frame);
        self.put_on_cpu(cpu, next, frame);
        Some(self.effects.step(Way::Switch))
    }

    /// A call about messages. It prints nothing and ends nobody, so all that it
    /// can leave over is a frame that the receiver had before.
    #[inline(always)]
    fn quiet_message(&mut self, caller: Caller, call: Call, frame: &mut TrapFrame) -> Step {
        self.effects = Effects::empty();
        let outcome = self.message_call(caller, call, frame);
        frame.regs.eax = self.result(caller, outcome);
        let way = if outcome == Ok(Outcome::Stop) {
            self.leave_cpu(caller.cpu, caller.slot, frame);
            self.mirror.not_runnable(&mut self.mem, caller.slot);
            match self.sched.ready.next() {
                Some(next) if self.envs[next].pending.is_none() => {
                    self.sched.ready.take_next(&mut self.envs);
                    self.put_on_cpu(caller.cpu, next, frame);
                    Way::Switch
                }
                _ => return self.quiet_end(caller.cpu, frame),
            }
        } else {
            Way::Resume
        };
        if self.frames.state.limbo.head != 0 {
            self.quiet = false;
            self.effects |= Effects::SETTLE;
        }
        self.effects.step(way)
    }

    /// The caller left its CPU, and whatever runs there next has something to go
    /// on with, or nothing does.
    #[cold]
    fn quiet_end(&mut self, cpu: CpuId, frame: &mut TrapFrame) -> Step {
        let way = self.run_next(cpu, frame);
        self.end_step(way)
    }

    /// Any other call; what it leaves over is looked after as ever. Expanded in each
    /// way in: a function would cost 40 instructions a call, this costs 6 KiB.
    #[inline(always)]
    fn quiet_other(&mut self, caller: Caller, call: Call, frame: &mut TrapFrame) -> Step {
        self.effects = Effects::empty();
        let way = match self.make_call(caller, call, frame) {
            Next::Same => Way::Resume,
            next => self.carry_out(caller.cpu, frame, next),
        };
        self.end_step(way)
    }

    /// Whether the next step may take the short way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.has_nothing_left() && !self.watcher.is_listening()
    }

    /// Whether nothing is left over that the next step would have to go on
    /// with.
    #[inline(always)]
    pub(crate) fn has_nothing_left(&self) -> bool {
        // Nearly always nothing is to be printed either: one test for all.
        let dead = self.reaper.bits() | self.sched.doomed.bits() | self.sched.ending;
        let left = self.frames.state.limbo.head | dead;
        left == 0
            && (self.console.is_empty() || !self.console.has_chunk() && !self.console.is_crowded())
    }
}
