//! Memory in one piece, for instructions that are executed one at a time.
//!
//! The unit tests of the floating-point side take this file in too: they look at
//! registers that nobody else sees. The hard thing is to be quick, as some hundred
//! thousand instructions are compared with a processor: nothing is copied, and no
//! version counted.

use ring3::flags::Flags;
use ring3::float::Fpu;
use ring3::{Access, Bus, Model, PageFault, Processor, Registers};

/// Bytes from one virtual address on; there are no others.
pub struct Flat<'a> {
    /// The bytes.
    pub memory: &'a mut [u8],
    /// The address of the first.
    pub base: u32,
}

impl Bus for Flat<'_> {
    fn translate(&mut self, va: u32, access: Access) -> Result<u32, PageFault> {
        let error = if access == Access::Write { 6 } else { 4 };
        self.remembered(va, access).ok_or(PageFault { va, error })
    }
    fn remembered(&self, va: u32, _: Access) -> Option<u32> {
        let pa = va.wrapping_sub(self.base);
        ((pa as usize) < self.memory.len()).then_some(pa)
    }
    fn read8(&mut self, pa: u32) -> u8 {
        self.memory[pa as usize]
    }
    fn read16(&mut self, pa: u32) -> u16 {
        u16::from_le_bytes([self.read8(pa), self.read8(pa + 1)])
    }
    fn read32(&mut self, pa: u32) -> u32 {
        u32::from(self.read16(pa)) | u32::from(self.read16(pa + 2)) << 16
    }
    fn write8(&mut self, pa: u32, value: u8) {
        self.memory[pa as usize] = value;
    }
    fn write16(&mut self, pa: u32, value: u16) {
        self.memory[pa as usize..][..2].copy_from_slice(&value.to_le_bytes());
    }
    fn write32(&mut self, pa: u32, value: u32) {
        self.memory[pa as usize..][..4].copy_from_slice(&value.to_le_bytes());
    }
    fn version(&self, _: u32) -> u64 {
        0
    }
    fn fence(&mut self) {}
    fn time_stamp(&mut self) -> u64 {
        0
    }
    fn port_in(&mut self, _: u16, _: u32) -> u32 {
        0
    }
    fn port_out(&mut self, _: u16, _: u32, _: u32) {}
}

/// A processor with these general registers and flags.
pub fn processor(general: [u32; 8], flags: u32, fpu: Fpu) -> Processor {
    Processor {
        model: Model {
            code: 0x18,
            data: 0x20,
            gates: &[],
            sysenter: false,
        },
        registers: Registers {
            general,
            eip: 0,
            flags: Flags::from_bits(flags),
            selectors: [0x23, 0x1b, 0x23, 0x23, 0x23, 0x23],
        },
        fpu,
        fpu_enabled: true,
    }
}
