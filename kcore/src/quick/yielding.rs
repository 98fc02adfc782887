//! `yield`, when another environment waits for the CPU.
//!
//! The hard thing is the queue: the choice has to be as if the caller had been added first
//! and the next one taken then. So that is one operation, round robin's own; under another
//! policy nobody comes here.

use super::{RESUME, SWITCH};
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::step::Step;
use crate::watch::Watcher;
use abi::{EnvStatus, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes the step of a `yield`, or changes nothing.
    #[inline(always)]
    pub(super) fn quick_yield(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        now: impl FnOnce() -> u64,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        if self.sched.ready.round_robin.is_empty() {
            frame.regs.eax = 0;
            return Some(RESUME);
        }
        let next = self.quick_next(cpu, slot)?;
        frame.regs.eax = 0;
        self.sched.ready.round_robin.rotate(&mut self.envs, slot);
        self.cpus[cpu].since = now();
        self.exchange(cpu, [slot, next], EnvStatus::Runnable, frame);
        Some(SWITCH)
    }
}
