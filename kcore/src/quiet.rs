//! The short way through a step, for system calls and for page faults that programs
//! handle themselves.
//!
//! The kernel is *quiet* when earlier steps have left nothing over: nothing is in
//! limbo, dead, dying or waiting to be printed, the kernel's own lines have room, and
//! no watcher listens. It nearly always is. Then a system call need not check any of
//! that. (The most frequent calls have ways that are shorter still: [`crate::quick`].)
//!
//! The hard thing is that this must be no more than a shortcut. It declines anything
//! unusual before it changes anything; the general way handles that. For the rest,
//! both ways lead to the same state and the same [`Step`], and a property test
//! compares them.

use crate::effects::{Effects, Next};
use crate::event::Event;
use crate::ids::CpuId;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::quick::RESUME;
use crate::step::Step;
use crate::syscall::Caller;
use crate::watch::Watcher;
use abi::trap::Vector;
use abi::{Call, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes the step if the kernel is quiet and there is a short way; else changes
    /// nothing. The arguments are those of [`Kernel::step`].
    #[inline(always)]
    pub fn quiet_step(
        &mut self,
        cpu: CpuId,
        now: u64,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        if !self.quiet {
            return None;
        }
        self.now = now;
        match event {
            Event::Syscall | Event::FastSyscall => self.quiet_call(cpu, event, frame),
            Event::PageFault { va } => self.quiet_fault(cpu, va, frame),
            _ => None,
        }
    }

    #[inline(always)]
    fn quiet_call(&mut self, cpu: CpuId, event: Event, frame: &mut TrapFrame) -> Option<Step> {
        let slot = self.cpus.current(cpu)?;
        let call = self.envs[slot].personality.call(frame.regs.eax)?;
        self.fast = event == Event::FastSyscall;
        Some(self.quiet_handler_apart(Caller { cpu, slot }, call, frame))
    }

    /// [`Kernel::quiet_handler`], apart: so its code takes no registers from the ways above.
    #[inline(never)]
    fn quiet_handler_apart(&mut self, caller: Caller, call: Call, frame: &mut TrapFrame) -> Step {
        self.quiet_handler(caller, call, frame)
    }

    /// A page fault, if its program has a handler.
    #[inline(always)]
    fn quiet_fault(&mut self, cpu: CpuId, va: u32, frame: &mut TrapFrame) -> Option<Step> {
        let slot = self.cpus.current(cpu)?;
        let env = &self.envs[slot];
        let upcall = env.upcall;
        if upcall == 0 || env.exceptions.take(Vector::PAGE_FAULT) {
            return None;
        }
        self.effects = Effects::empty();
        match self.reflect(Caller { cpu, slot }, va, upcall, frame) {
            Next::Same => Some(RESUME),
            // Its exception stack was bad, so it was ended.
            next => {
                let way = self.carry_out(cpu, frame, next);
                Some(self.end_step(cpu, way))
            }
        }
    }

    /// A call's handler, and what becomes of the caller.
    #[inline(always)]
    pub(crate) fn quiet_handler(
        &mut self,
        caller: Caller,
        call: Call,
        frame: &mut TrapFrame,
    ) -> Step {
        self.effects = Effects::empty();
        let next = self.make_call(caller, call, frame);
        let way = self.carry_out(caller.cpu, frame, next);
        self.end_step(caller.cpu, way)
    }

    /// Whether the next step may go the short way.
    pub(crate) fn is_quiet(&self) -> bool {
        let limbo = self.frames.state.limbo.head;
        self.short_ways && limbo == 0 && self.has_nothing_left() && !self.watcher.is_listening()
    }

    /// Whether nothing is left over but frames in limbo, which only settling can free.
    #[inline(always)]
    pub(crate) fn has_nothing_left(&self) -> bool {
        // One test for the usual case; the console nearly always is empty too.
        let dead = self.reaper.bits() | self.sched.doomed.bits() | self.sched.mourned.bits();
        dead | self.sched.ending == 0
            && (self.console.is_empty() || !self.console.has_chunk() && !self.console.is_crowded())
    }
}
