//! The multiple APIC description table: CPUs and interrupt controllers.
//!
//! ACPI Specification 5.2.12. The hard thing: which entries mean a CPU that is
//! there. One that is merely capable of being plugged in later is not, and the
//! same CPU may be listed twice, once in each format.

use arrayvec::ArrayVec;

use super::rsdp::Rsdp;
use super::table::{HEADER, Table};
use crate::apic::{Cpus, DEFAULT_LOCAL_APIC, IoApic, MAX_IO_APICS, local_apic_address};
use crate::phys::{PhysBytes, u8_in, u16_in, u32_in, u64_in};

/// The most interrupt source overrides that are listed: one for each ISA line.
pub const MAX_OVERRIDES: usize = 16;

/// Offset of the first entry, behind the local APIC's address and the flags.
const ENTRIES: u32 = HEADER + 8;
/// Bytes of the longest entry that is understood.
const LONGEST: usize = 16;

const LOCAL_APIC: u8 = 0;
const IO_APIC: u8 = 1;
const SOURCE_OVERRIDE: u8 = 2;
const LOCAL_APIC_ADDRESS: u8 = 5;
const LOCAL_X2APIC: u8 = 9;

/// In the flags of both kinds of CPU entry: the CPU is there and usable.
const ENABLED: u32 = 1;

/// An ISA interrupt that is not wired to the global system interrupt of the
/// same number, or not edge-triggered and active high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// ISA interrupt request line.
    pub irq: u8,
    /// Global system interrupt that it is wired to.
    pub gsi: u32,
    /// Bits 1:0 polarity, 3:2 trigger mode, in both 0 = as the bus has it,
    /// 1 = active high or edge, 3 = active low or level.
    pub flags: u16,
}

/// What the table says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Madt {
    /// The usable CPUs, the boot CPU first.
    pub cpus: Cpus,
    /// Physical address of every CPU's own local APIC.
    pub local_apic: u32,
    /// The I/O APICs in order.
    pub io_apics: ArrayVec<IoApic, MAX_IO_APICS>,
    /// The interrupt source overrides in order.
    pub overrides: ArrayVec<Override, MAX_OVERRIDES>,
}

impl Madt {
    /// Finds and reads the table. `boot_id` is the local APIC id of the CPU
    /// that runs this, which is a CPU even if the table forgets it.
    pub fn find(memory: &impl PhysBytes, boot_id: u8) -> Option<Madt> {
        let table = Rsdp::find(memory)?.table(memory, b"APIC")?;
        let local_apic = table.bytes(memory, HEADER).map(u32::from_le_bytes)?;
        let mut madt = Madt {
            cpus: Cpus::boot_cpu(boot_id),
            local_apic: local_apic_address(local_apic.into()).unwrap_or(DEFAULT_LOCAL_APIC),
            io_apics: ArrayVec::new(),
            overrides: ArrayVec::new(),
        };
        madt.read_entries(memory, table);
        Some(madt)
    }

    /// Walks the entries up to the first that is too short to be one, or that
    /// sticks out of the table.
    fn read_entries(&mut self, memory: &impl PhysBytes, table: Table) {
        let mut offset = ENTRIES;
        while let Some([kind, len]) = table.bytes(memory, offset) {
            let end = offset.saturating_add(len.into());
            if len < 2 || end > table.len() {
                return;
            }
            let mut entry = [0; LONGEST];
            let known = entry.len().min(len.into());
            let part = entry.get_mut(..known);
            if !part.is_some_and(|part| table.copy(memory, offset, part)) {
                return;
            }
            self.read_entry(kind, len, &entry);
            offset = end;
        }
    }

    /// Reads one entry; one shorter than its kind has to be is passed over.
    fn read_entry(&mut self, kind: u8, len: u8, entry: &[u8; LONGEST]) {
        match (kind, len) {
            (LOCAL_APIC, 8..) if u32_in(entry, 4) & ENABLED != 0 => {
                self.cpus.add(u8_in(entry, 3));
            }
            (LOCAL_X2APIC, 16..) if u32_in(entry, 8) & ENABLED != 0 => {
                // Only an id of 8 bits can be reached by the xAPIC, and 255
                // would be everybody.
                if let Ok(id) = u8::try_from(u32_in(entry, 4)) {
                    self.cpus.add(id);
                }
            }
            (LOCAL_APIC_ADDRESS, 12..) => {
                if let Some(address) = local_apic_address(u64_in(entry, 4)) {
                    self.local_apic = address;
                }
            }
            (IO_APIC, 12..) => {
                // The kernel programs the first one only, so a ninth can be left out.
                let _ = self.io_apics.try_push(IoApic {
                    id: u8_in(entry, 2),
                    address: u32_in(entry, 4),
                    gsi_base: u32_in(entry, 8),
                });
            }
            (SOURCE_OVERRIDE, 10..) => {
                // There are 16 ISA lines; more are repetitions.
                let _ = self.overrides.try_push(Override {
                    irq: u8_in(entry, 3),
                    gsi: u32_in(entry, 4),
                    flags: u16_in(entry, 8),
                });
            }
            _ => {}
        }
    }
}
