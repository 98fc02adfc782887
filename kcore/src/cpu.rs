//! What the kernel knows of each CPU.
//!
//! The hard thing: [`Cpu::current`] and [`crate::env::Env::on_cpu`] state the same
//! fact, whose registers and page tables a CPU holds. Both ends keep it, so that
//! neither has to search. The audit checks that they agree.

use crate::ids::{CpuId, Link, MAX_CPUS, Slot};

/// One CPU; all-zero is one without an environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cpu {
    /// The environment whose registers and page tables are on this CPU.
    pub current: Link,
    /// When the quantum of `current` began, in ticks.
    pub since: u64,
    /// Its timer runs, and rings before the quantum of `current` has passed, or just then.
    /// Not set while it idles: a timer that runs then is for an alarm.
    pub timer: bool,
    /// `current` has used the x87 and SSE registers on this CPU.
    pub fpu: bool,
}

/// All CPUs, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cpus([Cpu; MAX_CPUS]);

impl Cpus {
    /// The environment on `cpu`.
    pub fn current(&self, cpu: CpuId) -> Option<Slot> {
        self[cpu].current.get()
    }

    /// Whether the environment on `cpu` has used the x87 and SSE registers there.
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
