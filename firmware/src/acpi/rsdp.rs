//! The root system description pointer: where ACPI begins.
//!
//! ACPI Specification 5.2.5. The hard thing: the pointer is known only by its
//! signature and checksum on a 16-byte boundary in two areas, and one with a
//! bad extended part may still have a good old one.

use super::table::{HEADER, Table};
use crate::phys::{PhysBytes, bytes_at, find_paragraph, sums_to_zero, u8_in, u32_in, u64_in};

const SIGNATURE: &[u8; 8] = b"RSD PTR ";
/// BIOS data area: segment of the extended BIOS data area.
const EBDA_SEGMENT: u32 = 0x40E;
/// Bytes of the EBDA that are searched.
const EBDA_SEARCHED: u32 = 1024;
/// The BIOS read-only area that is searched.
const BIOS_AREA: u32 = 0xE_0000;
const BIOS_AREA_LEN: u32 = 0x2_0000;
/// Bytes that the checksum of revision 0 covers.
const OLD_LEN: u32 = 20;
/// Bytes of the structure in revision 2, and the most that is summed.
const NEW_LEN: u32 = 36;
const MAX_LEN: u32 = 1024;

/// A valid root pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rsdp {
    /// Physical address of the RSDT, whose entries are 32 bits wide.
    rsdt: u32,
    /// Physical address of the XSDT, whose entries are 64 bits wide, if there
    /// is one that can be reached.
    xsdt: Option<u32>,
}

impl Rsdp {
    /// Searches the first KiB of the extended BIOS data area, then the BIOS
    /// area from 0xE0000 to 0xFFFFF.
    pub fn find(memory: &impl PhysBytes) -> Option<Rsdp> {
        let ebda = bytes_at(memory, EBDA_SEGMENT, 0).map_or(0, u16::from_le_bytes);
        let ebda = u32::from(ebda) << 4;
        let valid = |pa| sums_to_zero(memory, pa, OLD_LEN);
        let search = |start, len| find_paragraph(memory, start, len, SIGNATURE, valid);
        let in_ebda = if ebda == 0 {
            None
        } else {
            search(ebda, EBDA_SEARCHED)
        };
        let pa = in_ebda.or_else(|| search(BIOS_AREA, BIOS_AREA_LEN))?;
        Rsdp::read(memory, pa)
    }

    fn read(memory: &impl PhysBytes, pa: u32) -> Option<Rsdp> {
        let old: [u8; OLD_LEN as usize] = bytes_at(memory, pa, 0)?;
        let revision = u8_in(&old, 15);
        Some(Rsdp {
            rsdt: u32_in(&old, 16),
            xsdt: if revision >= 2 {
                extended(memory, pa)
            } else {
                None
            },
        })
    }

    /// The table with this signature: through the XSDT if that is usable and
    /// has it, else through the RSDT.
    pub fn table(&self, memory: &impl PhysBytes, signature: &[u8; 4]) -> Option<Table> {
        self.xsdt
            .and_then(|xsdt| search_root(memory, xsdt, b"XSDT", 8, signature))
            .or_else(|| search_root(memory, self.rsdt, b"RSDT", 4, signature))
    }
}

/// Address of the XSDT, if the extended structure is valid and it lies below
/// 4 GiB.
fn extended(memory: &impl PhysBytes, pa: u32) -> Option<u32> {
    let new: [u8; NEW_LEN as usize] = bytes_at(memory, pa, 0)?;
    let len = u32_in(&new, 20);
    let plausible = (NEW_LEN..=MAX_LEN).contains(&len);
    if !plausible || !sums_to_zero(memory, pa, len) {
        return None;
    }
    let xsdt = u32::try_from(u64_in(&new, 24)).ok()?;
    (xsdt != 0).then_some(xsdt)
}

/// Looks through the root table at `pa`, whose entries are `width` bytes
/// addresses, for a valid table with this signature. Entries that point
/// nowhere, above 4 GiB or back to the root are passed over.
fn search_root(
    memory: &impl PhysBytes,
    pa: u32,
    root_signature: &[u8; 4],
    width: u32,
    signature: &[u8; 4],
) -> Option<Table> {
    let root = Table::read(memory, pa, root_signature)?;
    let mut offset = HEADER;
    while let Some(end) = offset.checked_add(width).filter(|end| *end <= root.len()) {
        let entry = match width {
            8 => root.bytes(memory, offset).map(u64::from_le_bytes),
            _ => root
                .bytes(memory, offset)
                .map(|entry| u32::from_le_bytes(entry).into()),
        };
        let target = entry.and_then(|entry| u32::try_from(entry).ok());
        if let Some(table) = target.and_then(|pa| Table::read(memory, pa, signature)) {
            return Some(table);
        }
        offset = end;
    }
    None
}
