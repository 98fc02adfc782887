//! The MultiProcessor Specification's table, for machines without ACPI.
//!
//! MultiProcessor Specification 1.4, chapter 4. The hard thing is where to
//! look: the floating pointer is in the extended BIOS data area if there is
//! one, *only* if there is none at the end of base memory, and else in the
//! BIOS; looking further than that finds stale copies. Default configurations
//! (a number instead of a table, from 1994) are refused.

use arrayvec::ArrayVec;

use crate::apic::{Cpus, DEFAULT_LOCAL_APIC, IoApic, MAX_IO_APICS, local_apic_address};
use crate::phys::{
    PhysBytes, byte_sum, bytes_at, find_paragraph, sums_to_zero, u8_in, u16_in, u32_in,
};

/// BIOS data area: segment of the extended BIOS data area.
const EBDA_SEGMENT: u32 = 0x40E;
/// BIOS data area: KiB of base memory.
const BASE_MEMORY_KIB: u32 = 0x413;
/// The BIOS area that is searched.
const BIOS_AREA: u32 = 0xF_0000;
const BIOS_AREA_LEN: u32 = 0x1_0000;

/// Bytes of the floating pointer and of the table's header.
const POINTER_LEN: u32 = 16;
const HEADER: u32 = 44;

const PROCESSOR: u8 = 0;
const IO_APIC: u8 = 2;
/// Entry types from 1 to this one are 8 bytes long.
const LAST_SHORT: u8 = 4;
const PROCESSOR_LEN: u32 = 20;
const SHORT_LEN: u32 = 8;

/// In a processor's flags: usable; the boot CPU. In an I/O APIC's: usable.
const ENABLED: u8 = 1;
const BOOT_CPU: u8 = 2;

/// Why there is no usable MP table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MpError {
    /// No valid floating pointer.
    NotFound,
    /// The floating pointer names a default configuration, or no table.
    DefaultConfiguration,
    /// The table cannot be read, or its signature, version or checksum is
    /// wrong.
    BadTable,
    /// The checksum of the extended table is wrong.
    BadExtendedTable,
    /// An entry has an unknown type, so that its length is unknown too, or
    /// sticks out of the table.
    BadEntry,
}

/// What the table says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MpTable {
    /// The usable CPUs, the boot CPU first.
    pub cpus: Cpus,
    /// The APIC id of the CPU that the table marks as the boot CPU.
    pub marked_boot_id: Option<u8>,
    /// Physical address of every CPU's own local APIC.
    pub local_apic: u32,
    /// The usable I/O APICs in order.
    pub io_apics: ArrayVec<IoApic, MAX_IO_APICS>,
    /// Whether the machine starts in PIC mode, and the IMCR must be written
    /// before the APICs get any interrupt.
    pub imcr: bool,
}

impl MpTable {
    /// Finds and reads the table. `boot_id` is the local APIC id of the CPU
    /// that runs this, which is CPU 0 whatever the table marks.
    pub fn find(memory: &impl PhysBytes, boot_id: u8) -> Result<MpTable, MpError> {
        let pointer = find_pointer(memory).ok_or(MpError::NotFound)?;
        let pointer: [u8; POINTER_LEN as usize] =
            bytes_at(memory, pointer, 0).ok_or(MpError::NotFound)?;
        let table = u32_in(&pointer, 4);
        if table == 0 || u8_in(&pointer, 11) != 0 {
            return Err(MpError::DefaultConfiguration);
        }
        let header: [u8; HEADER as usize] = bytes_at(memory, table, 0).ok_or(MpError::BadTable)?;
        check_table(memory, table, &header)?;
        let mut found = MpTable {
            cpus: Cpus::boot_cpu(boot_id),
            marked_boot_id: None,
            local_apic: local_apic_address(u32_in(&header, 36).into())
                .unwrap_or(DEFAULT_LOCAL_APIC),
            io_apics: ArrayVec::new(),
            imcr: u8_in(&pointer, 12) != 0,
        };
        found.read_entries(memory, table, &header)?;
        Ok(found)
    }

    fn read_entries(
        &mut self,
        memory: &impl PhysBytes,
        table: u32,
        header: &[u8; HEADER as usize],
    ) -> Result<(), MpError> {
        let end = u32::from(u16_in(header, 4));
        let mut offset = HEADER;
        for _ in 0..u16_in(header, 34) {
            let fits = |len| offset.checked_add(len).filter(|after| *after <= end);
            let kind = fits(1).and_then(|_| bytes_at(memory, table, offset));
            let len = match kind {
                Some([PROCESSOR]) => PROCESSOR_LEN,
                Some([kind]) if kind <= LAST_SHORT => SHORT_LEN,
                _ => return Err(MpError::BadEntry),
            };
            let after = fits(len).ok_or(MpError::BadEntry)?;
            let entry: [u8; SHORT_LEN as usize] =
                bytes_at(memory, table, offset).ok_or(MpError::BadEntry)?;
            match kind {
                Some([PROCESSOR]) => self.add_processor(&entry),
                Some([IO_APIC]) => self.add_io_apic(&entry),
                _ => {}
            }
            offset = after;
        }
        Ok(())
    }

    fn add_processor(&mut self, entry: &[u8; SHORT_LEN as usize]) {
        let (id, flags) = (u8_in(entry, 1), u8_in(entry, 3));
        if flags & ENABLED != 0 {
            self.cpus.add(id);
            if flags & BOOT_CPU != 0 {
                self.marked_boot_id = Some(id);
            }
        }
    }

    fn add_io_apic(&mut self, entry: &[u8; SHORT_LEN as usize]) {
        if u8_in(entry, 3) & ENABLED != 0 {
            // The kernel programs the first one only, so a ninth can be left out.
            let _ = self.io_apics.try_push(IoApic {
                id: u8_in(entry, 1),
                address: u32_in(entry, 4),
                gsi_base: 0,
            });
        }
    }
}

/// Address of the first valid floating pointer, in the order of the
/// specification.
fn find_pointer(memory: &impl PhysBytes) -> Option<u32> {
    let word = |pa| bytes_at(memory, pa, 0).map_or(0, u16::from_le_bytes);
    let valid = |pa| sums_to_zero(memory, pa, POINTER_LEN);
    let search = |start, len| find_paragraph(memory, start, len, b"_MP_", valid);
    let first = match word(EBDA_SEGMENT) {
        0 => (u32::from(word(BASE_MEMORY_KIB)) << 10).saturating_sub(1024),
        segment => u32::from(segment) << 4,
    };
    search(first, 1024).or_else(|| search(BIOS_AREA, BIOS_AREA_LEN))
}

/// Checks signature, version and both checksums.
fn check_table(
    memory: &impl PhysBytes,
    table: u32,
    header: &[u8; HEADER as usize],
) -> Result<(), MpError> {
    let len = u32::from(u16_in(header, 4));
    let version = u8_in(header, 6);
    let good = header.starts_with(b"PCMP")
        && len >= HEADER
        && matches!(version, 1 | 4)
        && sums_to_zero(memory, table, len);
    if !good {
        return Err(MpError::BadTable);
    }
    let extended_len = u32::from(u16_in(header, 40));
    let extended = table.checked_add(len).ok_or(MpError::BadTable)?;
    let sum =
        byte_sum(memory, extended, extended_len).map(|sum| sum.wrapping_add(u8_in(header, 42)));
    // Without an extended table the checksum byte is zero as well.
    match sum {
        Some(0) => Ok(()),
        _ => Err(MpError::BadExtendedTable),
    }
}
