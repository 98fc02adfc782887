//! Whose x87 and SSE registers are where.
//!
//! They belong to environments as all registers do, but most environments never
//! touch them. So a CPU lets nobody use them until somebody tries: that traps
//! ([`Event::FpuUse`]), and from then on they are saved when the environment
//! leaves the CPU. The registers themselves are the hardware half's; who has them
//! is known here, and every save, load and reset is part of what a step says.
//!
//! The hard thing is that nothing may stay behind. Between two environments a
//! CPU's registers are as after a reset; what is saved for a slot belongs to the
//! life that saved it, so a new life of the slot begins with nothing saved
//! ([`crate::env::EnvTable`] sees to that); and an environment that dies with its
//! registers on a CPU has them reset, not saved.
//!
//! [`Event::FpuUse`]: crate::Event::FpuUse

use crate::effects::Effects;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// The environment on this CPU wants to use the registers.
    pub(crate) fn lend_fpu(&mut self, cpu: CpuId, slot: Slot) {
        self.cpus[cpu].fpu = true;
        self.effects |= Effects::FPU;
        if self.envs[slot].fpu_saved {
            self.effects |= Effects::FPU_LOAD;
            self.outbox.fpu = slot;
        }
    }

    /// The environment on this CPU used them, and leaves it.
    #[cold]
    pub(crate) fn save_fpu(&mut self, cpu: CpuId, slot: Slot) {
        self.cpus[cpu].fpu = false;
        self.envs[slot].fpu_saved = true;
        self.effects |= Effects::FPU_SAVE;
        self.outbox.fpu = slot;
    }

    /// Another CPU has saved them itself, if they were in use there, before it gave
    /// up the environment in `slot`.
    pub(crate) fn note_fpu_saved(&mut self, cpu: CpuId, slot: Slot) {
        let saved = core::mem::take(&mut self.cpus[cpu].fpu);
        self.envs[slot].fpu_saved |= saved;
    }

    /// The environment on `its_cpu` is no more; this step is `cpu`'s.
    pub(crate) fn drop_fpu(&mut self, cpu: CpuId, its_cpu: CpuId) {
        // Another CPU, which is made to stop, cleans up after itself.
        if core::mem::take(&mut self.cpus[its_cpu].fpu) && its_cpu == cpu {
            self.effects |= Effects::FPU_RESET;
        }
    }
}
