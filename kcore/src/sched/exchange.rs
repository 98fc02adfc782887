//! One environment leaves a CPU and another one comes to it, in one go.
//!
//! This is leaving a CPU and being put on it, for the case that nearly every switch is:
//! the first has not used the x87 registers since it came, and the second has run before
//! and has no entry to finish. The hard thing is to touch each word once: both are taken
//! out of the table together, so the compiler knows that they are two.

use crate::cpu::Cpu;
use crate::env::Env;
use crate::env::mirror::Mirror;
use crate::ids::{CpuId, Link, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::step::Outbox;
use crate::watch::Watcher;
use abi::trap::FLAG_NT;
use abi::{EnvStatus, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Whether [`Kernel::exchange`] can put `next` on `cpu`, which has an environment.
    #[inline(always)]
    pub(crate) fn may_exchange(&self, cpu: CpuId, next: Slot) -> bool {
        self.envs[next].just_goes_on() && !self.cpus[cpu].fpu
    }

    /// [`Stage::exchange`] for two that are looked up here.
    #[inline(always)]
    pub(crate) fn exchange(
        &mut self,
        cpu: CpuId,
        slots: [Slot; 2],
        left: EnvStatus,
        frame: &mut TrapFrame,
    ) {
        let [leaves, comes] = slots;
        if let Some(pair) = self.envs.pair(leaves, comes) {
            let stage = Stage {
                its: &mut self.cpus[cpu],
                mirror: &self.mirror,
                mem: &mut self.mem,
                outbox: &mut self.outbox,
            };
            stage.exchange(cpu, slots, pair, left, frame);
        }
    }
}

/// What an exchange touches beside the two environments.
pub(crate) struct Stage<'k, M> {
    pub its: &'k mut Cpu,
    pub mirror: &'k Mirror,
    pub mem: &'k mut M,
    pub outbox: &'k mut Outbox,
}

impl<M: PhysMem> Stage<'_, M> {
    /// Takes the first environment off `cpu`, shown from now on as `left`, and puts the
    /// second on it: its registers into `frame`, its page tables into the step, which asks
    /// for nothing else. An environment on a CPU always has its timer running.
    #[inline(always)]
    pub(crate) fn exchange(
        self,
        cpu: CpuId,
        [leaves, comes]: [Slot; 2],
        [from, to]: [&mut Env; 2],
        left: EnvStatus,
        frame: &mut TrapFrame,
    ) {
        to.on_cpu = Some(cpu);
        to.runs = to.runs.wrapping_add(1);
        from.on_cpu = None;
        frame.eflags &= !FLAG_NT;
        from.frame.copy_from(frame);
        frame.copy_from(&to.frame);

        self.its.current = Link::to(comes);
        self.mirror.status(self.mem, leaves, left);
        if to.cpunum != cpu.0 {
            to.cpunum = cpu.0;
            self.mirror.moved(self.mem, comes, cpu);
        }
        self.mirror.runs(self.mem, comes, to.runs);
        self.mirror.status(self.mem, comes, EnvStatus::Running);
        self.outbox.pgdir = to.space.pgdir;
        self.outbox.id = to.id;
    }
}
