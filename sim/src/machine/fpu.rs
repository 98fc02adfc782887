//! The x87 and SSE registers of a simulated machine.
//!
//! The hard thing is to do what steps say and nothing else. Only the kernel core
//! knows which environment owns which registers; if it fails to say so, one
//! program must find another's number here.

use super::parts::Fpu;
use super::registers::Registers;
use super::{Machine, Mode};
use kcore::env::Slot;
use kcore::step::FpuLeft;
use kcore::{CpuId, Event, Outbox, Step, ToResume};

impl Machine<'_> {
    /// Does what a step of `cpu` says about its registers.
    pub(super) fn perform_fpu(&mut self, cpu: CpuId, step: Step, outbox: &Outbox) {
        let user = self.kernel.cpus().current(cpu);
        let place = self.spec.image(outbox.fpu);
        let fpu = &mut self.cpus[cpu.0 as usize].fpu;
        if let Step::Resume(to) = step
            && to.contains(ToResume::FPU)
        {
            fpu.user = user;
            if to.contains(ToResume::FPU_LOAD) {
                fpu.value = Registers::load(self.kernel.memory(), place);
            }
        }
        match step.fpu_left() {
            FpuLeft::Save => {
                fpu.value.save(self.kernel.mem(), place);
                *fpu = Fpu::default();
            }
            FpuLeft::Reset => *fpu = Fpu::default(),
            FpuLeft::Clean => {}
        }
    }

    /// `cpu` gives its registers up: saves them for their user, if they have one.
    pub(super) fn leave_fpu(&mut self, cpu: CpuId) {
        let fpu = std::mem::take(&mut self.cpus[cpu.0 as usize].fpu);
        if let Some(user) = fpu.user {
            fpu.value.save(self.kernel.mem(), self.spec.image(user));
        }
    }

    /// The registers that are saved for `slot`.
    pub fn saved_registers(&self, slot: Slot) -> Registers {
        Registers::load(self.kernel.memory(), self.spec.image(slot))
    }

    /// The environment on `cpu` replaces the number in its registers; returns the old
    /// one. `None` if their use traps; the CPU then waits for the lock.
    pub fn use_fpu(&mut self, cpu: CpuId, new: u32) -> Option<u32> {
        assert_eq!(self.cpu(cpu).mode, Mode::User);
        let own = self.cpu_mut(cpu);
        if own.fpu.user.is_none() {
            own.frame.trapno = abi::trap::Vector::NO_FPU.0;
            own.frame.err = 0;
            self.trap(cpu, Event::FpuUse);
            return None;
        }
        let old = std::mem::replace(&mut own.fpu.value, Registers::with_number(new));
        Some(old.number())
    }
}
