//! Decoded instructions, kept by physical address.
//!
//! A block is straight code within one page. The hard thing is code that changes: a
//! block remembers the version of the frame it was decoded from, and is decoded anew
//! when that is another. So it does not matter who wrote there, or how the page is
//! mapped.

use crate::bus::Bus;
use crate::decode::{LONGEST, Operation, decode};
use crate::memory::PAGE;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How many blocks are kept.
const SLOTS: usize = 8192;
/// The most instructions in a block.
const MOST: usize = 48;

/// Decoded instructions of one physical memory. All processors of a machine may
/// share it.
#[derive(Clone, Debug)]
pub struct Cache {
    slots: Box<[Block]>,
}

/// Straight code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pa: u32,
    version: u64,
    pub(crate) operations: Vec<Operation>,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache {
            slots: (0..SLOTS).map(|_| Block::default()).collect(),
        }
    }
}

impl Cache {
    /// The code at `pa`. Empty if its first instruction reaches into the next page.
    #[inline(always)]
    pub(crate) fn block<B: Bus>(&mut self, bus: &mut B, pa: u32) -> &Block {
        let slot = &mut self.slots[(pa ^ pa >> 13) as usize % SLOTS];
        if !slot.is_current(bus, pa) {
            slot.fill(bus, pa);
        }
        slot
    }
}

impl Block {
    /// Whether the code at `pa` is this block still.
    #[inline(always)]
    fn is_current<B: Bus>(&self, bus: &B, pa: u32) -> bool {
        self.pa == pa && self.is_unchanged(bus) && !self.operations.is_empty()
    }

    /// Whether nothing was written to its frame since it was decoded.
    #[inline(always)]
    pub(crate) fn is_unchanged<B: Bus>(&self, bus: &B) -> bool {
        bus.version(self.pa) == self.version
    }

    #[cold]
    fn fill<B: Bus>(&mut self, bus: &mut B, pa: u32) {
        self.pa = pa;
        self.version = bus.version(pa);
        self.operations.clear();
        let end = (pa | (PAGE - 1)) + 1;
        let mut next = pa;
        while next < end && self.operations.len() < MOST {
            let length = LONGEST.min((end - next) as usize);
            let mut bytes = [0; LONGEST];
            for (address, byte) in (next..).zip(&mut bytes[..length]) {
                *byte = bus.code8(address);
            }
            let Some(operation) = decode(&bytes[..length]) else {
                break;
            };
            next += u32::from(operation.length);
            self.operations.push(operation);
            if operation.ends_block() {
                break;
            }
        }
    }
}
