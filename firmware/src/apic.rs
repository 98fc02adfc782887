//! What both firmware tables speak of: CPUs by their APIC ids, and I/O APICs.
//!
//! The hard thing: a table may list a CPU twice, or forget the one that reads it,
//! or name the id that addresses everybody. None of that gets into [`Cpus`].

use arrayvec::ArrayVec;

/// The most CPUs that the kernel uses.
pub const MAX_CPUS: usize = 32;
/// The most I/O APICs that are listed.
pub const MAX_IO_APICS: usize = 8;
/// Where a local APIC is unless a table says otherwise.
pub const DEFAULT_LOCAL_APIC: u32 = 0xFEE0_0000;
/// The APIC id that addresses every CPU, so that no CPU can have it.
pub const BROADCAST_ID: u8 = 0xFF;

/// The APIC ids of the CPUs that can be started, without duplicates; the index
/// is the kernel's number for the CPU, and the boot CPU is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus {
    ids: ArrayVec<u8, MAX_CPUS>,
    ignored: u32,
}

impl Cpus {
    /// The boot CPU alone.
    pub fn boot_cpu(apic_id: u8) -> Cpus {
        let mut cpus = Cpus {
            ids: ArrayVec::new(),
            ignored: 0,
        };
        cpus.add(apic_id);
        cpus
    }

    /// Adds a CPU unless it is listed already, or its id is the broadcast id.
    pub(crate) fn add(&mut self, apic_id: u8) {
        let fresh = apic_id != BROADCAST_ID && !self.ids.contains(&apic_id);
        if (fresh || self.ids.is_empty()) && self.ids.try_push(apic_id).is_err() {
            self.ignored = self.ignored.saturating_add(1);
        }
    }

    /// The APIC ids in the order of the kernel's numbers; never empty.
    pub fn apic_ids(&self) -> &[u8] {
        &self.ids
    }

    /// Table entries for CPUs beyond [`MAX_CPUS`].
    pub fn ignored(&self) -> u32 {
        self.ignored
    }
}

/// Where interrupts of devices come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApic {
    /// Its APIC id.
    pub id: u8,
    /// Physical address of its registers.
    pub address: u32,
    /// The global system interrupt of its first input. The MP table does not
    /// say, so all of its I/O APICs have 0 here.
    pub gsi_base: u32,
}

/// A local APIC's address, if it can be mapped: page-aligned, below 4 GiB and
/// not null.
pub(crate) fn local_apic_address(address: u64) -> Option<u32> {
    u32::try_from(address)
        .ok()
        .filter(|pa| *pa != 0 && pa % 0x1000 == 0)
}
