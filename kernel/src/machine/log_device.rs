//! A log device: memory outside the machine, in which a log outlives it.
//!
//! An emulator offers it as a PCI device with shared memory, a file on the host.
//! A store there costs no more than any other. There may be one device for the trace
//! and one for the record; its head tells which it is. The hard thing is to reach
//! it: it may be 512 MiB long, and the kernel has no address space to spare. So each
//! CPU has a page for each device, and points this page at the place where the log
//! goes on; as the page is its own, that concerns no other CPU. The CPU that appends
//! holds the big lock.
//!
//! Source: QEMU, docs/specs/ivshmem-spec (the device "ivshmem-plain").

use crate::machine::address_space;
use crate::machine::pci::Device;
use crate::machine::smp::ThisCpu;
use abi::layout::PGSIZE;
use core::ops::Range;
use kcore::ids::MAX_CPUS;
use witness::log_memory::{HEAD_SIZE, Head, ITEMS, LEN_WORD, LOST_WORD, PURPOSE_WORDS, Purpose};
use witness::record::Sink;
use witness::trace::{RECORD_SIZE, Words};

/// The device and its vendor.
const ID: u32 = 0x1110_1af4;
/// The region of the device that is the shared memory.
const SHARED: u32 = 2;

/// A device, and how far it has been written.
pub struct LogDevice {
    purpose: Purpose,
    /// Physical addresses of the shared memory.
    memory: Range<u32>,
    /// Where the next item goes, in bytes from the beginning.
    position: u32,
    /// All lost items, as the head says.
    lost: u64,
    /// Those of them that were lost here, for want of room.
    refused: u64,
    /// The page that each CPU's window shows, in bytes from the beginning; 0 is
    /// none, as no item goes to the first page.
    shown: [u32; MAX_CPUS],
}

impl LogDevice {
    /// The device for this purpose, if there is one. Times in the log count `hz` ticks
    /// in a second. Call it once for each purpose.
    pub fn find(purpose: Purpose, hz: u64) -> Option<LogDevice> {
        let memory = Device::all(ID)
            .filter_map(|device| device.memory(SHARED))
            .find(|memory| is_for(purpose, memory))?;
        address_space::map_log_head(purpose, memory.start);
        let device = LogDevice {
            purpose,
            memory,
            position: ITEMS,
            lost: 0,
            refused: 0,
            shown: [0; MAX_CPUS],
        };
        let head = Head {
            hz,
            ..Head::default()
        };
        for (index, word) in head.words(purpose).into_iter().enumerate() {
            device.set_head(index, word);
        }
        Some(device)
    }

    /// Appends records, and counts those for which there is no room.
    pub fn append(&mut self, records: &[Words]) {
        for record in records {
            match self.place() {
                Some((place, _)) => {
                    for (index, &word) in record.iter().enumerate() {
                        // SAFETY: (27) the device's memory, mapped; a record
                        // does not leave its page.
                        unsafe { place.cast::<u32>().add(index).write_volatile(word) };
                    }
                    self.position += RECORD_SIZE as u32;
                }
                None => self.refused += 1,
            }
        }
        self.tell_length();
    }

    /// Updates the head's count of lost items; `before` of them never came here.
    pub fn note_lost(&mut self, before: u64) {
        let lost = before + self.refused;
        if lost != self.lost {
            self.lost = lost;
            self.set_head(LOST_WORD, lost as u32);
            self.set_head(LOST_WORD + 1, (lost >> 32) as u32);
        }
    }

    /// Where this CPU can store the next item, and how many bytes are left in that
    /// page; `None` if the device is full.
    #[inline(always)]
    fn place(&mut self) -> Option<(*mut u8, usize)> {
        if self.position >= self.memory.end - self.memory.start {
            return None;
        }
        let cpu = ThisCpu::get().id();
        let in_page = self.position % PGSIZE;
        let page = self.position - in_page;
        let shown = &mut self.shown[cpu.0 as usize % MAX_CPUS];
        if *shown != page {
            *shown = page;
            address_space::point_log_window(self.purpose, cpu, self.memory.start + page);
        }
        let place = address_space::log_window(self.purpose, cpu) + in_page;
        Some((place as *mut u8, (PGSIZE - in_page) as usize))
    }

    /// Tells the log's length, after its items are stored. It is less than 4 GiB, so
    /// the upper half stays 0.
    fn tell_length(&self) {
        self.set_head(LEN_WORD, self.position - ITEMS);
    }

    fn set_head(&self, index: usize, word: u32) {
        const { assert!(HEAD_SIZE <= PGSIZE as usize) };
        let head = address_space::log_head(self.purpose) as *mut u32;
        // SAFETY: (28) within the device's first page, which `find` mapped.
        unsafe { head.add(index).write_volatile(word) };
    }
}

/// Appends bytes. The first byte without room ends the log: there is none for any
/// later one either.
impl Sink for LogDevice {
    fn put(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some((place, room)) = self.place() else {
                self.refused += rest.len() as u64;
                self.note_lost(0);
                break;
            };
            let (fitting, further) = rest.split_at(rest.len().min(room));
            for (index, &byte) in fitting.iter().enumerate() {
                // SAFETY: (29) the device's memory, mapped; the page has this many
                // bytes left.
                unsafe { place.add(index).write_volatile(byte) };
            }
            self.position += fitting.len() as u32;
            rest = further;
        }
        self.tell_length();
    }
}

/// Whether a device's memory is for this purpose, as its head says, and has room.
fn is_for(purpose: Purpose, memory: &Range<u32>) -> bool {
    let cpu = ThisCpu::get().id();
    address_space::point_log_window(purpose, cpu, memory.start);
    let words = address_space::log_window(purpose, cpu) as *const u32;
    let head: [u32; PURPOSE_WORDS] = core::array::from_fn(|index| {
        // SAFETY: (30) within the device's first page, which the window shows.
        unsafe { words.add(index).read_volatile() }
    });
    head == purpose.words() && memory.end - memory.start > ITEMS
}
