//! The log device: memory outside the machine, in which a trace outlives it.
//!
//! An emulator gives it to us as a PCI device whose one region is shared
//! memory, a file on the host. Storing a record there costs what storing it
//! anywhere costs. The hard thing is to reach it: there may be 256 MiB of it,
//! and the kernel has no address space to spare. So each CPU has a page that it
//! points at where the log goes on; being its own, re-pointing it concerns no
//! other CPU. Whoever appends holds the big lock.
//!
//! Source: QEMU, docs/specs/ivshmem-spec (the device "ivshmem-plain").

use crate::address_space;
use crate::pci::Device;
use abi::layout::PGSIZE;
use kcore::CpuId;
use kcore::cpu::MAX_CPUS;
use kcore::trace::file::{HEAD_SIZE, Head, LEN_WORD, LOST_WORD, RECORDS};
use kcore::trace::{RECORD_SIZE, Words};

const VENDOR: u16 = 0x1af4;
const DEVICE: u16 = 0x1110;
/// The device's region that is the shared memory.
const SHARED: u32 = 2;

/// The device, and how far it is written.
pub struct LogDevice {
    /// Its physical address, and its size in bytes.
    base: u32,
    size: u32,
    /// Where its first page is mapped.
    head: *mut u32,
    /// Where the next record goes, in bytes from its beginning.
    position: u32,
    /// Records lost, and how many of them here, for want of room.
    lost: u64,
    refused: u64,
    /// The page that each CPU's window shows, in bytes from the beginning; 0 is
    /// none, as no record goes to the first.
    shown: [u32; MAX_CPUS],
}

// SAFETY: (97) the head's page is mapped alike on every CPU.
unsafe impl Send for LogDevice {}

impl LogDevice {
    /// The device, if there is one with room for a record; the clock has `hz`
    /// ticks in a second. Call it once.
    pub fn find(hz: u64) -> Option<LogDevice> {
        let memory = Device::find(VENDOR, DEVICE)?.memory(SHARED)?;
        let size = memory.end - memory.start;
        if size < RECORDS + PGSIZE {
            return None;
        }
        let device = LogDevice {
            base: memory.start,
            size,
            head: address_space::map_log_head(memory.start) as *mut u32,
            position: RECORDS,
            lost: 0,
            refused: 0,
            shown: [0; MAX_CPUS],
        };
        let head = Head {
            hz,
            ..Head::default()
        };
        for (index, word) in head.words().into_iter().enumerate() {
            device.set_head(index, word);
        }
        Some(device)
    }

    /// Appends records. What there is no room for is counted.
    pub fn append(&mut self, cpu: CpuId, records: &[Words]) {
        for record in records {
            match self.place(cpu) {
                Some(place) => {
                    for (index, &word) in record.iter().enumerate() {
                        // SAFETY: (95) the device's memory, mapped; a record
                        // does not leave its page.
                        unsafe { place.add(index).write_volatile(word) };
                    }
                    self.position += RECORD_SIZE as u32;
                }
                None => self.refused += 1,
            }
        }
        // Only now does the head speak of them. It is less than 4 GiB: the
        // upper half stays 0.
        self.set_head(LEN_WORD, self.position - RECORDS);
    }

    /// Notes how many records were lost before they came here.
    pub fn note_lost(&mut self, before: u64) {
        let lost = before + self.refused;
        if lost != self.lost {
            self.lost = lost;
            self.set_head(LOST_WORD, lost as u32);
            self.set_head(LOST_WORD + 1, (lost >> 32) as u32);
        }
    }

    /// Where this CPU can store the next record, if there is room.
    #[inline(always)]
    fn place(&mut self, cpu: CpuId) -> Option<*mut u32> {
        if self.position >= self.size {
            return None;
        }
        let in_page = self.position % PGSIZE;
        let page = self.position - in_page;
        let shown = &mut self.shown[cpu.0 as usize % MAX_CPUS];
        if *shown != page {
            *shown = page;
            address_space::point_log_window(cpu, self.base + page);
        }
        Some((address_space::log_window(cpu) + in_page) as *mut u32)
    }

    fn set_head(&self, index: usize, word: u32) {
        const { assert!(HEAD_SIZE <= PGSIZE as usize) };
        // SAFETY: (96) within the device's first page, which is mapped.
        unsafe { self.head.add(index).write_volatile(word) };
    }
}
