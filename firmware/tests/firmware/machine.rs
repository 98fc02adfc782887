//! Physical memory for tests, and builders of the tables that go into it.

use std::cell::Cell;
use std::collections::BTreeMap;

use firmware::PhysBytes;

/// Sparse physical memory. What was never written reads as 0xFF, as an empty
/// bus does; one range can be made unreadable. Every read is counted.
#[derive(Clone, Default)]
pub struct Machine {
    pages: BTreeMap<u32, Vec<u8>>,
    pub unreadable: Option<std::ops::Range<u64>>,
    pub bytes_read: Cell<u64>,
    pub reads: Cell<u64>,
}

impl PhysBytes for Machine {
    fn read(&self, pa: u32, out: &mut [u8]) -> bool {
        let end = u64::from(pa) + out.len() as u64;
        assert!(end <= 1 << 32, "read across 4 GiB");
        assert!(out.len() <= firmware::phys::CHUNK, "read of {}", out.len());
        self.bytes_read
            .set(self.bytes_read.get() + out.len() as u64);
        self.reads.set(self.reads.get() + 1);
        if let Some(hole) = &self.unreadable
            && hole.start < end
            && u64::from(pa) < hole.end
        {
            return false;
        }
        for (at, byte) in (u64::from(pa)..).zip(out) {
            let page = self.pages.get(&((at >> 12) as u32));
            *byte = page.map_or(0xFF, |page| page[(at & 0xFFF) as usize]);
        }
        true
    }
}

impl Machine {
    /// Memory with an empty BIOS data area.
    pub fn new() -> Machine {
        let mut machine = Machine::default();
        machine.put(0x400, &[0; 256]);
        machine
    }

    pub fn put(&mut self, pa: u32, bytes: &[u8]) {
        for (at, byte) in (u64::from(pa)..).zip(bytes) {
            let page = self.pages.entry((at >> 12) as u32);
            page.or_insert_with(|| vec![0xFF; 4096])[(at & 0xFFF) as usize] = *byte;
        }
    }

    pub fn put_u16(&mut self, pa: u32, value: u16) {
        self.put(pa, &value.to_le_bytes());
    }
}

/// Concatenates little-endian fields.
#[derive(Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    pub fn u8(mut self, value: u8) -> Bytes {
        self.0.push(value);
        self
    }
    pub fn u16(mut self, value: u16) -> Bytes {
        self.0.extend(value.to_le_bytes());
        self
    }
    pub fn u32(mut self, value: u32) -> Bytes {
        self.0.extend(value.to_le_bytes());
        self
    }
    pub fn u64(mut self, value: u64) -> Bytes {
        self.0.extend(value.to_le_bytes());
        self
    }
    pub fn raw(mut self, bytes: &[u8]) -> Bytes {
        self.0.extend(bytes);
        self
    }
    /// Sets the byte at `at` so that the first `len` bytes sum to zero.
    pub fn checksum(mut self, at: usize, len: usize) -> Bytes {
        self.0[at] = 0;
        let sum = self.0[..len].iter().fold(0u8, |a, b| a.wrapping_add(*b));
        self.0[at] = 0u8.wrapping_sub(sum);
        self
    }
}

/// An ACPI table with header, length and checksum.
pub fn acpi_table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let table = Bytes::default()
        .raw(signature)
        .u32(36 + body.len() as u32)
        .raw(&[1, 0])
        .raw(b"OEMID TABLE   ")
        .raw(&[0; 12])
        .raw(body);
    let len = table.0.len();
    table.checksum(9, len).0
}

/// An RSDP of revision 0, or of revision 2 if there is an XSDT.
pub fn rsdp(rsdt: u32, xsdt: Option<u64>) -> Vec<u8> {
    let old = Bytes::default()
        .raw(b"RSD PTR ")
        .u8(0)
        .raw(b"OEMID ")
        .u8(if xsdt.is_some() { 2 } else { 0 })
        .u32(rsdt)
        .checksum(8, 20);
    match xsdt {
        None => old.0,
        Some(xsdt) => old.u32(36).u64(xsdt).u32(0).checksum(32, 36).0,
    }
}

/// Entries of a MADT.
pub fn local_apic(id: u8, flags: u32) -> Vec<u8> {
    Bytes::default().raw(&[0, 8, 0, id]).u32(flags).0
}
pub fn local_x2apic(id: u32, flags: u32) -> Vec<u8> {
    Bytes::default()
        .raw(&[9, 16, 0, 0])
        .u32(id)
        .u32(flags)
        .u32(0)
        .0
}
pub fn io_apic(id: u8, address: u32, gsi: u32) -> Vec<u8> {
    Bytes::default()
        .raw(&[1, 12, id, 0])
        .u32(address)
        .u32(gsi)
        .0
}

/// A MADT with these entries.
pub fn madt(local_apic: u32, entries: &[Vec<u8>]) -> Vec<u8> {
    let body = Bytes::default().u32(local_apic).u32(1);
    acpi_table(b"APIC", &body.raw(&entries.concat()).0)
}

pub const RSDP_AT: u32 = 0xF_5A40;
pub const RSDT_AT: u32 = 0x07FE_1234;
pub const MADT_AT: u32 = 0x07FE_1FF0;

/// A machine with ACPI of revision 0 whose MADT has these entries.
pub fn acpi_machine(entries: &[Vec<u8>]) -> Machine {
    let mut machine = Machine::new();
    machine.put(RSDP_AT, &rsdp(RSDT_AT, None));
    let decoy = 0x07FE_0000;
    let root = Bytes::default().u32(decoy).u32(0).u32(MADT_AT);
    machine.put(RSDT_AT, &acpi_table(b"RSDT", &root.0));
    machine.put(decoy, &acpi_table(b"FACP", &[0; 80]));
    machine.put(MADT_AT, &madt(0xFEE0_0000, entries));
    machine
}

/// Entries of an MP table.
pub fn mp_processor(id: u8, flags: u8) -> Vec<u8> {
    Bytes::default().raw(&[0, id, 0x14, flags]).raw(&[0; 16]).0
}
pub fn mp_short(kind: u8) -> Vec<u8> {
    vec![kind, 0, 0, 0, 0, 0, 0, 0]
}
pub fn mp_io_apic(id: u8, flags: u8, address: u32) -> Vec<u8> {
    Bytes::default().raw(&[2, id, 0x11, flags]).u32(address).0
}

/// An MP configuration table.
pub fn mp_config(entries: &[Vec<u8>]) -> Vec<u8> {
    let body = entries.concat();
    let table = Bytes::default()
        .raw(b"PCMP")
        .u16(44 + body.len() as u16)
        .u8(4)
        .u8(0)
        .raw(b"OEM     PRODUCT     ")
        .u32(0)
        .u16(0)
        .u16(entries.len() as u16)
        .u32(0xFEE0_0000)
        .u16(0)
        .u8(0)
        .u8(0)
        .raw(&body);
    let len = table.0.len();
    table.checksum(7, len).0
}

/// An MP floating pointer structure.
pub fn mp_pointer(table: u32, kind: u8, imcrp: u8) -> Vec<u8> {
    Bytes::default()
        .raw(b"_MP_")
        .u32(table)
        .raw(&[1, 4, 0, kind, imcrp, 0, 0, 0])
        .checksum(10, 16)
        .0
}

pub const MP_POINTER_AT: u32 = 0xF_6AF0;
pub const MP_CONFIG_AT: u32 = 0xF_6B00;

/// A machine with an MP table in the BIOS area and without ACPI.
pub fn mp_machine(entries: &[Vec<u8>]) -> Machine {
    let mut machine = Machine::new();
    machine.put(MP_POINTER_AT, &mp_pointer(MP_CONFIG_AT, 0, 0));
    machine.put(MP_CONFIG_AT, &mp_config(entries));
    machine
}

/// Multiboot information; absent fields are filled with 0xAA, not zero.
#[derive(Clone, Default)]
pub struct BootInfo {
    pub sizes: Option<(u32, u32)>,
    pub command_line: Option<u32>,
    pub modules: Option<(u32, u32)>,
    pub map: Option<(u32, u32)>,
}

impl BootInfo {
    pub fn bytes(&self) -> Vec<u8> {
        const JUNK: u32 = 0xAAAA_AAAA;
        let flag = |bit: u32, set: bool| u32::from(set) << bit;
        let (lower, upper) = self.sizes.unwrap_or((JUNK, JUNK));
        let (count, modules) = self.modules.unwrap_or((JUNK, JUNK));
        let (length, map) = self.map.unwrap_or((JUNK, JUNK));
        Bytes::default()
            .u32(
                flag(0, self.sizes.is_some())
                    | flag(2, self.command_line.is_some())
                    | flag(3, self.modules.is_some())
                    | flag(6, self.map.is_some()),
            )
            .u32(lower)
            .u32(upper)
            .u32(JUNK)
            .u32(self.command_line.unwrap_or(JUNK))
            .u32(count)
            .u32(modules)
            .raw(&[0xAA; 16])
            .u32(length)
            .u32(map)
            .0
    }
}

/// One memory map entry.
pub fn map_entry(base: u64, len: u64, kind: u32) -> Vec<u8> {
    Bytes::default().u32(20).u64(base).u64(len).u32(kind).0
}

pub const INFO_AT: u32 = 0x9500;
pub const MAP_AT: u32 = 0x9600;

/// Puts a memory map, and information with nothing else, into memory.
pub fn map_machine(entries: &[Vec<u8>], sizes: Option<(u32, u32)>) -> Machine {
    let mut machine = Machine::new();
    let bytes = entries.concat();
    let info = BootInfo {
        sizes,
        map: Some((bytes.len() as u32, MAP_AT)),
        ..BootInfo::default()
    };
    machine.put(INFO_AT, &info.bytes());
    machine.put(MAP_AT, &bytes);
    machine
}
