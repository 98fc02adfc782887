//! Names: of environments' slots, and of CPUs.
//!
//! Everything else names them, so they stand below everything. The hard thing is
//! that a table of zeroes must mean "nobody" wherever a name stands in it, so
//! that no table needs a first pass: hence [`Link`], where 0 is none.

/// Index into the environment table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Slot(pub u16);

/// Perhaps a slot, with "none" as all-zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Link(u16);

impl Link {
    /// No slot.
    pub const NONE: Link = Link(0);

    /// This slot.
    pub const fn to(slot: Slot) -> Link {
        Link(slot.0 + 1)
    }

    /// Not 0 if there is one.
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// The slot, if there is one.
    pub const fn get(self) -> Option<Slot> {
        if self.0 == 0 {
            None
        } else {
            Some(Slot(self.0 - 1))
        }
    }
}

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
