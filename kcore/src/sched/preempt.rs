//! Taking a CPU away for an environment that outranks the one on it; and changing the
//! numbers by which that is decided.
//!
//! A step that lets somebody run may find that its own environment is outranked: then it
//! ends with the other one. The hard thing is another CPU. If the step's own environment
//! outranks all who wait, but one of them outranks the environment on another CPU, that
//! CPU is interrupted, and gives way in its own step. One is interrupted at a time: the
//! lowest; if more wait, it does the same for the next.
//!
//! An environment that waits for a reply lends its CPU to whoever will reply, whatever its
//! priority. It lends no priority: from its next entry to the kernel on, the server gives
//! way like anybody else.

use crate::effects::{Effects, Next};
use crate::env::Wait;
use crate::ids::{CpuId, CpuSet, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::syscall::Caller;
use crate::watch::Watcher;
use abi::{EnvStatus, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// What becomes of the caller, whose event was handled, if others may outrank it.
    #[inline(always)]
    pub(crate) fn rank(&mut self, caller: Caller, next: Next, frame: &TrapFrame) -> Next {
        if self.sched.ready.is_round_robin() {
            return next;
        }
        match next {
            Next::Same => self.give_way(caller, frame),
            Next::HandOver => self.hand_over_by_rank(caller),
            _ => next,
        }
    }

    /// Takes the caller off its CPU if it is outranked. One that stops at a breakpoint, or
    /// gets the x87 registers, has more to do in this step, and gives way at its next one.
    ///
    /// A step asks one other CPU for something at most. If this one has asked, the next
    /// environment has to wait for the next step: it may have an entry to finish, and ask too.
    #[cold]
    #[inline(never)]
    fn give_way(&mut self, caller: Caller, frame: &TrapFrame) -> Next {
        let Caller { cpu, slot } = caller;
        let busy = self.effects.intersects(Effects::BREAK | Effects::FPU);
        if busy || !self.sched.ready.outranks(&self.envs, slot) {
            return Next::Same;
        }
        self.leave_cpu(cpu, slot, frame);
        let ready = self.sched.ready.chosen_mut();
        ready.add_outranked(&mut self.envs, slot);
        self.mirror.status(&mut self.mem, slot, EnvStatus::Runnable);
        match self.effects.contains(Effects::REMOTE) {
            true => Next::Later,
            false => Next::Gone,
        }
    }

    /// Whether the heir gets the CPU of the caller, which has left it, or has to queue. One
    /// for whose reply the caller waits is never outranked.
    #[cold]
    #[inline(never)]
    fn hand_over_by_rank(&mut self, caller: Caller) -> Next {
        let heir = self.heir;
        let waits_for_heir = self.envs[caller.slot].wait == Wait::Reply(heir);
        let outranked = !waits_for_heir && self.sched.ready.outranks(&self.envs, heir);
        let ready = self.sched.ready.chosen_mut();
        if outranked || !ready.may_skip_queue(&mut self.envs, heir) {
            self.queue_heir();
            return Next::Gone;
        }
        Next::HandOver
    }

    /// If one who waits outranks the environment on another CPU, interrupts that CPU; but
    /// not if this step has woken one that will take it.
    #[cold]
    #[inline(never)]
    pub(crate) fn interrupt_outranked(&mut self, cpu: CpuId) {
        if self.sched.ready.is_empty() || self.effects.contains(Effects::WAKE) {
            return;
        }
        let others = CpuSet(u32::MAX).iter().filter(|&other| other != cpu);
        let running = others.filter_map(|other| Some((other, self.cpus.current(other)?)));
        let lowest = running.min_by_key(|&(_, slot)| self.envs[slot].priority);
        let Some((other, slot)) = lowest else {
            return;
        };
        if self.sched.ready.outranks(&self.envs, slot) {
            self.wake_cpu(other);
        }
    }

    /// Sets both numbers of an environment.
    pub(crate) fn set_scheduling(&mut self, slot: Slot, priority: u8, shares: u16) {
        let env = &self.envs[slot];
        let changes = (env.priority, env.shares) != (priority, shares);
        let moves = changes && env.is_queued() && !self.sched.ready.is_round_robin();
        if moves {
            self.sched.ready.remove(&mut self.envs, slot);
        }
        if let Some(cpu) = self.envs[slot].on_cpu {
            self.charge(cpu, slot);
        }
        let env = &mut self.envs[slot];
        env.priority = priority;
        env.shares = shares;
        if moves {
            self.add_again(slot);
        }
    }
}
