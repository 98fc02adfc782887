//! Numbers of environment slots and of CPUs.
//!
//! All other modules use them, so this one uses none of theirs. The hard thing is
//! that the kernel's tables start as zeroes and are never initialised, so zero must
//! mean "nobody" in them: hence [`Link`].

use abi::env::NENV;

/// Index into the environment table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Slot(pub u16);

/// An optional slot, in which zero means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Link(u16);

impl Link {
    /// What an all-zero table holds.
    pub const NONE: Link = Link(0);

    /// A link to `slot`.
    pub const fn to(slot: Slot) -> Link {
        Link(slot.0 + 1)
    }

    /// Zero exactly if there is none; lets several links be tested at once.
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// The slot, if there is one. Whoever looks it up need not bring it into the table's
    /// range again: the compiler sees that it is.
    #[inline(always)]
    pub const fn get(self) -> Option<Slot> {
        if self.0 == 0 {
            None
        } else {
            Some(Slot((self.0 - 1) % NENV as u16))
        }
    }
}

/// The kernel starts at most this many CPUs: as many as a [`CpuSet`] can hold.
pub const MAX_CPUS: usize = 32;

/// A CPU's number. These are dense from 0, the boot CPU; APIC ids need not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct CpuId(pub u8);

/// A set of CPUs, one bit each.
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

    /// Removes a CPU.
    pub fn remove(&mut self, cpu: CpuId) {
        self.0 &= !Self::bit(cpu);
    }

    /// Whether `cpu` is in the set.
    pub fn contains(self, cpu: CpuId) -> bool {
        self.0 & Self::bit(cpu) != 0
    }

    /// Whether the set has no member.
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
