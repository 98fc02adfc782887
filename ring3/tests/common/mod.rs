//! A small machine to run the interpreter on: 64 KiB, one table of pages.
//!
//! The hard thing is to be as strict as a machine may be: it checks that physical
//! addresses stay within the frame that was translated, and counts a version for
//! each frame, so that a decoded instruction that is kept too long shows.

#![allow(dead_code, reason = "each test uses a part of it")]

use ring3::registers::Registers;
use ring3::{Access, Bus, Model, PageFault, Processor};

pub mod drill;
pub mod trial;

/// Size of a page.
pub const PAGE: u32 = 4096;
const FRAMES: usize = 16;

/// Error code bits of a page fault.
pub mod fault {
    /// The page is there.
    pub const PRESENT: u32 = 1;
    /// It was written.
    pub const WRITE: u32 = 2;
    /// By ring 3.
    pub const USER: u32 = 4;
}

/// A mapping of a page.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The number of its frame.
    pub frame: u32,
    /// Whether it may be written.
    pub writable: bool,
}

/// Memory, and how it is mapped.
pub struct Machine {
    /// All frames.
    pub memory: Vec<u8>,
    /// By number of the page; others are not there.
    pub table: [Option<Entry>; FRAMES],
    versions: [u64; FRAMES],
    /// Pages that were translated since they were mapped.
    remembered: [bool; FRAMES],
    /// How often it was told to make stores visible.
    pub fences: u32,
}

impl Default for Machine {
    fn default() -> Machine {
        Machine {
            memory: vec![0; FRAMES * PAGE as usize],
            table: [None; FRAMES],
            versions: [0; FRAMES],
            remembered: [false; FRAMES],
            fences: 0,
        }
    }
}

impl Machine {
    /// Maps the page at `va` to the frame of the same number.
    pub fn map(&mut self, va: u32, writable: bool) {
        let frame = va / PAGE;
        self.table[frame as usize] = Some(Entry { frame, writable });
        self.remembered[frame as usize] = false;
    }

    /// Stores bytes at a physical address.
    pub fn store(&mut self, pa: u32, bytes: &[u8]) {
        for (pa, &byte) in (pa..).zip(bytes) {
            self.write8(pa, byte);
        }
    }

    /// Bytes at a physical address.
    pub fn bytes(&self, pa: u32, count: usize) -> &[u8] {
        &self.memory[pa as usize..][..count]
    }

    fn find(&self, va: u32, access: Access) -> Result<u32, PageFault> {
        let write = if access == Access::Write {
            fault::WRITE
        } else {
            0
        };
        let error = write | fault::USER;
        let page = (va / PAGE) as usize;
        match self.table.get(page).copied().flatten() {
            None => Err(PageFault { va, error }),
            Some(entry) if write != 0 && !entry.writable => Err(PageFault {
                va,
                error: error | fault::PRESENT,
            }),
            Some(entry) => Ok(entry.frame * PAGE + va % PAGE),
        }
    }

    fn check(pa: u32, size: u32) {
        assert!(pa % PAGE + size <= PAGE, "{pa:#x} leaves its frame");
    }
}

impl Bus for Machine {
    fn translate(&mut self, va: u32, access: Access) -> Result<u32, PageFault> {
        let found = self.find(va, access)?;
        self.remembered[(va / PAGE) as usize] = true;
        Ok(found)
    }

    fn remembered(&self, va: u32, access: Access) -> Option<u32> {
        let is_remembered = self.remembered.get((va / PAGE) as usize) == Some(&true);
        self.find(va, access).ok().filter(|_| is_remembered)
    }

    fn read8(&mut self, pa: u32) -> u8 {
        self.memory[pa as usize]
    }

    fn read16(&mut self, pa: u32) -> u16 {
        Machine::check(pa, 2);
        u16::from_le_bytes(std::array::from_fn(|index| {
            self.memory[pa as usize + index]
        }))
    }

    fn read32(&mut self, pa: u32) -> u32 {
        Machine::check(pa, 4);
        u32::from_le_bytes(std::array::from_fn(|index| {
            self.memory[pa as usize + index]
        }))
    }

    fn write8(&mut self, pa: u32, value: u8) {
        self.memory[pa as usize] = value;
        self.versions[(pa / PAGE) as usize] += 1;
    }

    fn write16(&mut self, pa: u32, value: u16) {
        Machine::check(pa, 2);
        self.store(pa, &value.to_le_bytes());
    }

    fn write32(&mut self, pa: u32, value: u32) {
        Machine::check(pa, 4);
        self.store(pa, &value.to_le_bytes());
    }

    fn version(&self, pa: u32) -> u64 {
        self.versions[(pa / PAGE) as usize]
    }

    fn fence(&mut self) {
        self.fences += 1;
    }

    fn time_stamp(&mut self) -> u64 {
        0x1122_3344_5566_7788
    }

    fn port_in(&mut self, port: u16, size: u32) -> u32 {
        u32::from(port) << 8 | size
    }

    fn port_out(&mut self, _: u16, _: u32, _: u32) {}
}

/// Selectors and gates as the kernel has them.
pub const MODEL: Model = Model {
    code: 0x18,
    data: 0x20,
    gates: &[3, 4, 0x30],
    sysenter: true,
};

/// A processor with nothing in its registers.
pub fn processor() -> Processor {
    Processor {
        model: MODEL,
        registers: Registers {
            general: [0; 8],
            eip: 0,
            flags: ring3::flags::Flags::default(),
            selectors: [0x23, 0x1b, 0x23, 0x23, 0x23, 0x23],
        },
        fpu: ring3::float::Fpu::default(),
        fpu_enabled: true,
    }
}
