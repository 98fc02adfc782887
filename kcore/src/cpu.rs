//! What the kernel knows of each CPU.
//!
//! The hard thing: `current` says whose registers and page tables a CPU holds,
//! and is the same fact as [`crate::env::Env::on_cpu`], kept from both ends so
//! that neither side needs a search. The audit checks that they agree.

use crate::ids::{CpuId, Link, MAX_CPUS, Slot};

/// What the kernel knows of one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cpu {
    /// The environment whose registers and page tables are on this CPU.
    pub current: Link,
    /// When `current` was put here, in ticks.
    pub since: u64,
    /// `current` has used the x87 and SSE registers here.
    pub fpu: bool,
}

/// All CPUs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cpus([Cpu; MAX_CPUS]);

impl Cpus {
    /// The environment on `cpu`.
    pub fn current(&self, cpu: CpuId) -> Option<Slot> {
        self[cpu].current.get()
    }

    /// Whether the environment on `cpu` has used its x87 and SSE registers there.
    pub fn uses_fpu(&self, cpu: CpuId) -> bool {
        self[cpu].fpu
    }

    /// How many CPUs have an environment. For the audit; linear.
    pub fn count_running(&self) -> usize {
        self.0
            .iter()
            .filter(|cpu| cpu.current.get().is_some())
            .count()
    }
}

impl core::ops::Index<CpuId> for Cpus {
    type Output = Cpu;
    fn index(&self, cpu: CpuId) -> &Cpu {
        &self.0[cpu.0 as usize % MAX_CPUS]
    }
}

impl core::ops::IndexMut<CpuId> for Cpus {
    fn index_mut(&mut self, cpu: CpuId) -> &mut Cpu {
        &mut self.0[cpu.0 as usize % MAX_CPUS]
    }
}
