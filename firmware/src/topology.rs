//! Which CPUs there are to start, from whichever table the firmware left.
//!
//! The hard thing: the order of a table, the ids in it and the CPU that runs this
//! code are three different things. APIC ids may have gaps, and the boot CPU
//! need not come first. So the boot CPU says its own id, and becomes CPU 0.

use arrayvec::ArrayVec;

use crate::acpi::madt::{self, Madt};
use crate::mp_table::{MpError, MpTable};
use crate::phys::PhysBytes;

/// The most CPUs that the kernel uses.
pub const MAX_CPUS: usize = 32;
/// The most I/O APICs, and interrupt source overrides, that are listed.
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

/// An I/O APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApic {
    /// Its APIC id.
    pub id: u8,
    /// Physical address of its registers.
    pub address: u32,
    /// The global system interrupt of its first input. The MP table does not
    /// say, and has 0 for every one.
    pub gsi_base: u32,
}

/// Where the numbers of a [`Topology`] come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopologySource {
    /// ACPI's MADT.
    Acpi,
    /// The MultiProcessor Specification's table.
    MpTable,
    /// No usable table, and why there is not even an MP table: the boot CPU is
    /// all that is known.
    Nothing(MpError),
}

/// What the firmware says about CPUs and interrupt controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The CPUs to start.
    pub cpus: Cpus,
    /// Physical address of every CPU's own local APIC.
    pub local_apic: u32,
    /// The I/O APICs, in the table's order.
    pub io_apics: ArrayVec<IoApic, MAX_IO_APICS>,
    /// ISA interrupts that are wired in other ways than one to one.
    pub overrides: ArrayVec<madt::Override, { madt::MAX_OVERRIDES }>,
    /// Whether interrupts must be switched from the 8259 to the APIC through
    /// the IMCR (ports 0x22 and 0x23).
    pub imcr: bool,
    /// Which table this was.
    pub source: TopologySource,
}

impl Topology {
    /// Reads the MADT, or the MP table if there is no (usable) MADT. `boot_id`
    /// is the local APIC id of the CPU that runs this.
    pub fn find(memory: &impl PhysBytes, boot_id: u8) -> Topology {
        if let Some(madt) = Madt::find(memory, boot_id) {
            return Topology {
                cpus: madt.cpus,
                local_apic: madt.local_apic,
                io_apics: madt.io_apics,
                overrides: madt.overrides,
                imcr: false,
                source: TopologySource::Acpi,
            };
        }
        match MpTable::find(memory, boot_id) {
            Ok(table) => Topology {
                cpus: table.cpus,
                local_apic: table.local_apic,
                io_apics: table.io_apics,
                overrides: ArrayVec::new(),
                imcr: table.imcr,
                source: TopologySource::MpTable,
            },
            Err(error) => Topology {
                cpus: Cpus::boot_cpu(boot_id),
                local_apic: DEFAULT_LOCAL_APIC,
                io_apics: ArrayVec::new(),
                overrides: ArrayVec::new(),
                imcr: false,
                source: TopologySource::Nothing(error),
            },
        }
    }
}

/// A local APIC's address, if it can be mapped: page-aligned, below 4 GiB and
/// not null.
pub(crate) fn local_apic_address(address: u64) -> Option<u32> {
    u32::try_from(address)
        .ok()
        .filter(|pa| *pa != 0 && pa % 0x1000 == 0)
}
