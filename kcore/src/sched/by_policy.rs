//! What the scheduler tells a policy that was chosen at boot.
//!
//! Under round robin none of this is called: `switch.rs` asks before. The hard thing is to
//! cost that path nothing, so all of it is out of line, and takes the whole kernel, which
//! the caller has in a register anyway.

use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// `slot`, which waited for something else, wants a CPU.
    #[cold]
    #[inline(never)]
    pub(super) fn add_by_policy(&mut self, slot: Slot) {
        self.sched.ready.chosen_mut().add(&mut self.envs, slot);
    }

    /// `slot` gives its CPU up and wants the next one.
    #[cold]
    #[inline(never)]
    pub(super) fn add_again(&mut self, slot: Slot) {
        self.sched
            .ready
            .chosen_mut()
            .add_again(&mut self.envs, slot);
    }

    /// From now on `cpu` is used by the environment that has just come.
    #[cold]
    #[inline(never)]
    pub(super) fn begin_charging(&mut self, cpu: CpuId) {
        self.sched.ready.chosen_mut().comes(cpu, self.now);
    }

    /// `slot` has used `cpu` until now.
    #[cold]
    #[inline(never)]
    pub(super) fn charge(&mut self, cpu: CpuId, slot: Slot) {
        let ready = self.sched.ready.chosen_mut();
        ready.charge(&mut self.envs, cpu, slot, self.now);
    }

    /// The environment on `cpu` begins another quantum, because nobody waits.
    #[cold]
    #[inline(never)]
    pub(super) fn keep_on_cpu(&mut self, cpu: CpuId) {
        if let Some(slot) = self.cpus.current(cpu) {
            self.charge(cpu, slot);
            self.sched.ready.chosen_mut().stays(&self.envs, slot);
        }
    }
}
