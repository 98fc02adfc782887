//! The CPUs that can be started, from whichever table the firmware left.
//!
//! The hard thing: the order of a table, the ids in it and the CPU that runs this
//! code are three different things. APIC ids may have gaps, and the boot CPU
//! need not come first. So the boot CPU says its own id, and becomes CPU 0.

use arrayvec::ArrayVec;

use crate::acpi::madt::{self, Madt};
use crate::apic::{Cpus, DEFAULT_LOCAL_APIC, IoApic, MAX_IO_APICS};
use crate::mp_table::{MpError, MpTable};
use crate::phys::PhysBytes;

/// The interrupt line of the 8254's first channel.
const TIMER_LINE: u8 = 0;
/// Where boards with an MP table connect it.
const TIMER_OF_MP_TABLE: u32 = 2;

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

    /// The first I/O APIC, and which of its inputs the 8254's first channel is connected
    /// to. It may not have so many.
    pub fn timer_input(&self) -> Option<(&IoApic, u32)> {
        let wire = self.overrides.iter().find(|wire| wire.irq == TIMER_LINE);
        let input = match (wire, self.source) {
            (Some(wire), _) => wire.gsi,
            (None, TopologySource::Acpi) => TIMER_LINE.into(),
            (None, _) => TIMER_OF_MP_TABLE,
        };
        let io_apic = self.io_apics.first()?;
        Some((io_apic, input.wrapping_sub(io_apic.gsi_base)))
    }
}
