//! CPUs: their names, sets of them, and what the kernel knows of each.
//!
//! The hard thing: `current` says whose registers and page tables a CPU holds,
//! and is the same fact as [`crate::env::Env::on_cpu`], kept from both ends so
//! that neither side needs a search. The audit checks that they agree.

use crate::env::{Link, Slot};

/// The most CPUs that are ever started; what a [`CpuSet`] can hold.
pub const MAX_CPUS: usize = 32;

/// Number of a CPU, dense from 0 (the boot CPU); not its APIC id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct CpuId(pub u8);

/// A set of CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CpuSet(pub u32);

impl CpuSet {
    /// No CPU.
    pub const EMPTY: CpuSet = CpuSet(0);

    const fn bit(cpu: CpuId) -> u32 {
        1 << (cpu.0 as usize % MAX_CPUS)
    }

    /// Adds a CPU.
    pub fn insert(&mut self, cpu: CpuId) {
        self.0 |= Self::bit(cpu);
    }

    /// Takes a CPU out.
    pub fn remove(&mut self, cpu: CpuId) {
        self.0 &= !Self::bit(cpu);
    }

    /// Whether `cpu` is in the set.
    pub fn contains(self, cpu: CpuId) -> bool {
        self.0 & Self::bit(cpu) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The lowest-numbered CPU.
    pub fn first(self) -> Option<CpuId> {
        (self.0 != 0).then(|| CpuId(self.0.trailing_zeros() as u8))
    }

    /// The CPUs in ascending order.
    pub fn iter(self) -> impl Iterator<Item = CpuId> {
        (0..MAX_CPUS as u8)
            .map(CpuId)
            .filter(move |&cpu| self.contains(cpu))
    }
}

/// What the kernel knows of one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cpu {
    /// The environment whose registers and page tables are on this CPU.
    pub(crate) current: Link,
    /// When `current` was put here, in ticks.
    pub(crate) since: u64,
    /// `current` has used the x87 and SSE registers here.
    pub(crate) fpu: bool,
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
