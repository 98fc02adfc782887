//! The owners of the x87 and SSE registers.
//!
//! Most environments never touch these registers, so a CPU keeps them disabled.
//! An environment that uses them traps ([`Event::FpuUse`]) and gets them; from then
//! on they are saved when it leaves the CPU. The hardware half has the registers
//! themselves. The core knows their owners, and a step asks for every save, load
//! and reset.
//!
//! The hard thing is that no value may leak to another environment. Between two
//! environments a CPU's registers are in their reset state. A new environment in a
//! used slot has nothing saved ([`crate::env::EnvTable`] sees to that). If an
//! environment dies with its registers on a CPU, they are reset, not saved.
//!
//! [`Event::FpuUse`]: crate::Event::FpuUse

use crate::effects::Effects;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Gives the registers to the environment on this CPU, which tried to use them.
    pub(crate) fn lend_fpu(&mut self, cpu: CpuId, slot: Slot) {
        self.cpus[cpu].fpu = true;
        self.effects |= Effects::FPU;
        if self.envs[slot].fpu_saved {
            self.effects |= Effects::FPU_LOAD;
            self.outbox.fpu = slot;
        }
    }

    /// Saves the registers of an environment that leaves this CPU.
    #[cold]
    pub(crate) fn save_fpu(&mut self, cpu: CpuId, slot: Slot) {
        self.cpus[cpu].fpu = false;
        self.envs[slot].fpu_saved = true;
        self.effects |= Effects::FPU_SAVE;
        self.outbox.fpu = slot;
    }

    /// Whether the registers of `slot` are still on the CPU that it left in this step: they
    /// are saved when the step is over.
    pub(crate) fn is_being_saved(&self, slot: Slot) -> bool {
        self.effects.contains(Effects::FPU_SAVE) && self.outbox.fpu == slot
    }

    /// Notes that `cpu` saved the registers itself, if they were in use, before it
    /// gave up the environment in `slot`.
    pub(crate) fn note_fpu_saved(&mut self, cpu: CpuId, slot: Slot) {
        let saved = core::mem::take(&mut self.cpus[cpu].fpu);
        self.envs[slot].fpu_saved |= saved;
    }

    /// Forgets the registers of a dead environment, which was on `its_cpu`. This step
    /// runs on `cpu`.
    pub(crate) fn drop_fpu(&mut self, cpu: CpuId, its_cpu: CpuId) {
        // Another CPU resets its own registers when it is made to stop.
        if core::mem::take(&mut self.cpus[its_cpu].fpu) && its_cpu == cpu {
            self.effects |= Effects::FPU_RESET;
        }
    }
}
