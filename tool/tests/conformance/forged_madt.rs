//! A list of CPUs that is not true, for a kernel to find.
//!
//! The hard thing is to be found first. Whoever looks for ACPI tables begins
//! with the extended BIOS data area, the last KiB below 640 KiB, of which
//! SeaBIOS uses the beginning; its own pointer is in the BIOS area. So a
//! pointer in the area's upper half, put there by QEMU's loader device before
//! the machine starts, comes first. Layouts: ACPI specification 6.5, sections
//! 5.2.5 (pointer), 5.2.6 (header), 5.2.7 (RSDT), 5.2.12 (MADT).

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use crate::boot;

/// Where the pointer goes: in the extended BIOS data area.
const POINTER: u32 = 0x9_FF00;
/// Where the tables go: in memory that nothing uses before they are read.
const TABLES: u32 = 0x600_0000;
/// From the first table to the second.
const STEP: usize = 0x100;
const LOCAL_APIC: u32 = 0xFEE0_0000;

/// The files with the pointer and the tables; gone when dropped.
pub struct Forgery {
    pointer: PathBuf,
    tables: PathBuf,
}

/// Writes a table that lists these APIC ids as usable CPUs. `name` is for the
/// files.
pub fn write(name: &str, listed: &[u8]) -> Result<Forgery, String> {
    let folder = boot::host()?.workspace.target().join("forged");
    let file = |kind| folder.join(format!("{name}.{kind}"));
    let forgery = Forgery {
        pointer: file("pointer"),
        tables: file("tables"),
    };
    let written = || -> io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(&forgery.pointer, pointer())?;
        std::fs::write(&forgery.tables, tables(listed))
    };
    written().map_err(|error| error.to_string())?;
    Ok(forgery)
}

impl Forgery {
    /// What QEMU must be told: also to make no tables that SeaBIOS would put
    /// into the same memory.
    pub fn arguments(&self) -> Vec<OsString> {
        let load = |file: &PathBuf, address: u32| {
            let mut device = OsString::from("loader,force-raw=on,");
            device.push(format!("addr={address:#x},file="));
            // A comma ends a value unless it is doubled.
            device.push(file.to_string_lossy().replace(',', ",,"));
            [OsString::from("-device"), device]
        };
        let mut arguments = vec!["-M".into(), "pc,acpi=off".into()];
        arguments.extend(load(&self.pointer, POINTER));
        arguments.extend(load(&self.tables, TABLES));
        arguments
    }
}

impl Drop for Forgery {
    fn drop(&mut self) {
        for file in [&self.pointer, &self.tables] {
            // A file that stays behind in the build folder does no harm.
            let _ = std::fs::remove_file(file);
        }
    }
}

fn pointer() -> Vec<u8> {
    let mut bytes = b"RSD PTR \0JOSTLE\0".to_vec();
    bytes.extend(TABLES.to_le_bytes());
    seal(bytes, 8)
}

fn tables(listed: &[u8]) -> Vec<u8> {
    let second = TABLES + STEP as u32;
    let mut bytes = table(b"RSDT", &second.to_le_bytes());
    bytes.resize(STEP, 0);
    let mut madt = LOCAL_APIC.to_le_bytes().to_vec();
    madt.extend(1_u32.to_le_bytes()); // there are 8259s as well
    for &id in listed {
        madt.extend([0, 8, id, id, 1, 0, 0, 0]); // a local APIC, usable
    }
    bytes.extend(table(b"APIC", &madt));
    bytes
}

fn table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = signature.to_vec();
    let len = 36 + body.len() as u32;
    bytes.extend(len.to_le_bytes());
    bytes.extend(*b"\x01\0JOSTLEMATRIX  \x01\0\0\0JSTL\x01\0\0\0");
    bytes.extend(body);
    seal(bytes, 9)
}

/// Makes the sum of all bytes zero with the one at `place`.
fn seal(mut bytes: Vec<u8>, place: usize) -> Vec<u8> {
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    bytes[place] = sum.wrapping_neg();
    bytes
}
