//! Finding devices on the first PCI bus.
//!
//! The firmware has given every device its addresses, so there is nothing to
//! set up. The hard thing is the size of a region, which is written down nowhere: if
//! its address is set to all ones, the device returns the bits that it decodes.
//! Meanwhile the device must not answer to memory accesses.
//! Source: PCI Local Bus Specification 3.0, 3.2.2.3.2 and 6.2.5.

use crate::machine::x86::Port;
use core::ops::Range;

// SAFETY: (33) the configuration address and data ports; what is written there
// below moves no device into memory.
const ADDRESS: Port = unsafe { Port::new(0xcf8) };
// SAFETY: (34) as above.
const DATA: Port = unsafe { Port::new(0xcfc) };

const ID: u32 = 0x00;
const COMMAND: u32 = 0x04;
const BASES: u32 = 0x10;

/// In [`COMMAND`]: the device answers to memory accesses.
const MEMORY: u32 = 2;
/// In a base: the region is I/O ports.
const IS_PORTS: u32 = 1;
/// In a base: the next base is its upper half.
const IS_WIDE: u32 = 4;

/// A device on the first bus, by its number.
#[derive(Clone, Copy)]
pub struct Device(u32);

impl Device {
    /// All devices with this id: the device's in the upper half, its vendor's in the
    /// lower.
    pub fn all(id: u32) -> impl Iterator<Item = Device> {
        (0..32)
            .map(Device)
            .filter(move |found| found.read(ID) == id)
    }

    fn select(self, register: u32) {
        ADDRESS.write_u32(1 << 31 | self.0 << 11 | register);
    }

    fn read(self, register: u32) -> u32 {
        self.select(register);
        DATA.read_u32()
    }

    fn write(self, register: u32, value: u32) {
        self.select(register);
        DATA.write_u32(value);
    }

    /// Physical addresses of the device's region `index`, if that is memory
    /// below 4 GiB.
    pub fn memory(self, index: u32) -> Option<Range<u32>> {
        let register = BASES + index * 4;
        let base = self.read(register);
        if base & IS_PORTS != 0 || base & IS_WIDE != 0 && self.read(register + 4) != 0 {
            return None;
        }
        let command = self.read(COMMAND);
        self.write(COMMAND, command & 0xffff & !MEMORY);
        self.write(register, !0);
        let decoded = self.read(register) & !0xf;
        self.write(register, base);
        self.write(COMMAND, command & 0xffff | MEMORY);
        let start = base & !0xf;
        let end = start.checked_add(decoded.wrapping_neg())?;
        (start != 0 && start < end).then_some(start..end)
    }
}
