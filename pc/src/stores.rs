//! The store buffer of a CPU: what it has stored and others do not see yet.
//!
//! The order of x86-TSO (Sewell et al., "x86-TSO", CACM 2010): stores reach memory in
//! the order in which they were made, as late as they like; the CPU itself sees them
//! at once. A locked instruction, `mfence` and every way into the kernel wait until all
//! have arrived. The hard thing is a load of bytes that a store covers in part: no
//! store has them all, so the CPU waits until those before it are in memory.

use sim::memory::Memory;
use std::collections::VecDeque;

/// The most stores on their way; the next one pushes the oldest out. Processors have
/// 14 (P6) to 72.
const ROOM: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Store {
    pa: u32,
    size: u32,
    value: u32,
}

/// Stores on their way to memory, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stores(VecDeque<Store>);

impl Stores {
    /// Whether all stores have reached memory.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The oldest store: physical address, bytes, value.
    pub fn oldest(&self) -> Option<(u32, u32, u32)> {
        let store = self.0.front()?;
        Some((store.pa, store.size, store.value))
    }

    /// Adds a store of 1, 2 or 4 bytes.
    pub(crate) fn push(&mut self, memory: &mut Memory, pa: u32, size: u32, value: u32) {
        if self.0.len() == ROOM {
            self.drain_one(memory);
        }
        self.0.push_back(Store { pa, size, value });
    }

    /// What the CPU itself reads.
    pub(crate) fn load(&mut self, memory: &mut Memory, pa: u32, size: u32) -> u32 {
        let overlaps = |store: &&Store| store.pa < pa + size && pa < store.pa + store.size;
        match self.0.iter().rev().find(overlaps) {
            Some(store) if store.pa <= pa && pa + size <= store.pa + store.size => {
                store.value >> ((pa - store.pa) * 8)
            }
            Some(_) => {
                self.drain(memory);
                memory.load(pa)
            }
            None => memory.load(pa),
        }
    }

    /// The byte at `pa` that the CPU itself reads, if its last store there is on its way.
    pub(crate) fn byte(&self, pa: u32) -> Option<u8> {
        let covers = |store: &&Store| store.pa <= pa && pa < store.pa + store.size;
        let store = self.0.iter().rev().find(covers)?;
        Some((store.value >> ((pa - store.pa) * 8)) as u8)
    }

    /// Whether a store to the page at `page` is on its way.
    pub(crate) fn reaches(&self, page: u32) -> bool {
        self.0.iter().any(|store| store.pa >> 12 == page >> 12)
    }

    /// The oldest store reaches memory.
    pub(crate) fn drain_one(&mut self, memory: &mut Memory) {
        if let Some(Store { pa, size, value }) = self.0.pop_front() {
            memory.store(pa, size, value);
        }
    }

    /// All stores reach memory.
    pub(crate) fn drain(&mut self, memory: &mut Memory) {
        while !self.is_empty() {
            self.drain_one(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcore::PhysMem;

    #[test]
    fn a_cpu_sees_its_own_stores_and_others_do_not() {
        let (mut memory, mut stores) = (Memory::new(1), Stores::default());
        memory.write(8, 0x1111_1111);
        stores.push(&mut memory, 8, 4, 0x4433_2211);
        stores.push(&mut memory, 8, 1, 0x55);
        assert_eq!(memory.read(8), 0x1111_1111);
        assert_eq!(stores.load(&mut memory, 8, 1) & 0xff, 0x55);
        assert_eq!(stores.load(&mut memory, 10, 2) & 0xffff, 0x4433);
        assert_eq!(
            [8, 9, 12].map(|pa| stores.byte(pa)),
            [Some(0x55), Some(0x22), None]
        );
        assert!(!stores.is_empty());
        // No store has all four bytes: they are put together in memory.
        assert_eq!(stores.load(&mut memory, 8, 4), 0x4433_2255);
        assert!(stores.is_empty());
    }

    #[test]
    fn stores_arrive_in_order_and_the_buffer_is_finite() {
        let (mut memory, mut stores) = (Memory::new(1), Stores::default());
        for number in 0..=ROOM as u32 {
            stores.push(&mut memory, number * 4, 4, number + 1);
        }
        assert_eq!([memory.read(0), memory.read(4)], [1, 0]);
        stores.drain_one(&mut memory);
        assert_eq!([memory.read(4), memory.read(8)], [2, 0]);
        assert!(stores.reaches(0xffc) && !stores.reaches(0x1000));
        stores.drain(&mut memory);
        assert_eq!(memory.read(ROOM as u32 * 4), ROOM as u32 + 1);
    }
}
