//! Memory as one processor sees it, while it is in ring 3.
//!
//! The simulated machine decides what its TLB remembers. The hard thing is speed: an
//! instruction must not search that TLB. So translations that were found are kept in
//! a small table until the TLB forgets anything; that only happens while the processor
//! is not in ring 3. Where accesses must be looked at one by one ([`Care`]), pages that
//! others use are never kept there.

use crate::care::Care;
use crate::ide::Ide;
use crate::noted::Noted;
use kcore::{CpuId, Pfn};
use ring3::{Access, Bus, PageFault};
use sim::machine::Machine;
use sim::machine::user::page_of;

const SLOTS: usize = 64;
const PAGE_BITS: u32 = 12;

/// Translations that a processor used since its TLB forgot something.
#[derive(Clone, Debug)]
pub struct Recent {
    entries: [Entry; SLOTS],
    /// The age of the TLB that they were found in.
    age: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// Number of the page, plus one; 0 for nothing.
    page: u32,
    /// Physical address of the frame.
    frame: u32,
    /// Whether it may be written, and its dirty bit is set.
    writeable: bool,
}

impl Default for Recent {
    fn default() -> Recent {
        Recent {
            entries: [Entry::default(); SLOTS],
            age: 0,
        }
    }
}

impl Recent {
    /// Forgets everything, unless the TLB is as old as it was.
    pub fn follow(&mut self, age: u64) {
        if self.age != age {
            self.entries = [Entry::default(); SLOTS];
            self.age = age;
        }
    }
}

/// The bus of one processor.
pub struct CpuBus<'a, 't> {
    /// The machine.
    pub machine: &'a mut Machine<'t>,
    /// Which of its CPUs this is.
    pub cpu: CpuId,
    /// What it has translated.
    pub recent: &'a mut Recent,
    /// The time stamp counter.
    pub stamp: &'a mut u64,
    /// Whether single accesses need care; otherwise they are as fast as can be.
    pub careful: bool,
    /// What is to be done with single accesses.
    pub care: &'a mut Care,
    /// Where they are noted, if somebody wants to know.
    pub noted: Option<&'a mut Vec<Noted>>,
    /// The disk, if one is attached.
    pub disk: Option<&'a mut Ide>,
}

impl CpuBus<'_, '_> {
    #[cold]
    fn find(&mut self, va: u32, access: Access) -> Result<u32, PageFault> {
        let write = access == Access::Write;
        let cpu = self.cpu;
        let Some(translation) = self.machine.translate(cpu, va, write) else {
            let error = self.machine.fault_error(cpu, va, write);
            return Err(PageFault { va, error });
        };
        self.recent.follow(self.machine.cpu(cpu).tlb.age());
        let frame = translation.frame.address();
        let pa = frame | (va - page_of(va));
        if self.care.is_taken && self.care.meets(self.machine, cpu, translation, pa, access) {
            return Ok(pa);
        }
        self.recent.entries[(va >> PAGE_BITS) as usize % SLOTS] = Entry {
            page: (page_of(va) >> PAGE_BITS) + 1,
            frame,
            writeable: write,
        };
        Ok(pa)
    }
}

impl CpuBus<'_, '_> {
    #[cold]
    fn read_with_care(&mut self, pa: u32, size: u32) -> u32 {
        self.note(pa, size, false);
        self.care
            .load(self.machine.kernel.mem(), self.cpu, pa, size)
    }

    #[cold]
    fn write_with_care(&mut self, pa: u32, size: u32, value: u32) {
        self.note(pa, size, true);
        let is_shared = self.care.is_shared(self.machine, Pfn::containing(pa));
        let memory = self.machine.kernel.mem();
        self.care
            .store(memory, self.cpu, (pa, size, value), is_shared);
    }

    fn note(&mut self, pa: u32, len: u32, write: bool) {
        if let Some(noted) = &mut self.noted {
            noted.push(Noted { pa, len, write });
        }
    }
}

impl Bus for CpuBus<'_, '_> {
    #[inline(always)]
    fn translate(&mut self, va: u32, access: Access) -> Result<u32, PageFault> {
        match self.remembered(va, access) {
            Some(pa) => Ok(pa),
            None => self.find(va, access),
        }
    }

    #[inline(always)]
    fn remembered(&self, va: u32, access: Access) -> Option<u32> {
        let page = va >> PAGE_BITS;
        let entry = &self.recent.entries[page as usize % SLOTS];
        let known = entry.page == page + 1 && (entry.writeable || access != Access::Write);
        known.then_some(entry.frame | va & ((1 << PAGE_BITS) - 1))
    }

    #[inline(always)]
    fn read8(&mut self, pa: u32) -> u8 {
        if self.careful {
            return self.read_with_care(pa, 1) as u8;
        }
        (self.machine.kernel.memory().load(pa & !3) >> (pa % 4 * 8)) as u8
    }

    fn code8(&mut self, pa: u32) -> u8 {
        let memory = self.machine.kernel.mem();
        match self.care.is_taken {
            true => self.care.load(memory, self.cpu, pa, 1) as u8,
            false => (memory.load(pa & !3) >> (pa % 4 * 8)) as u8,
        }
    }

    #[inline(always)]
    fn read16(&mut self, pa: u32) -> u16 {
        if self.careful {
            return self.read_with_care(pa, 2) as u16;
        }
        self.machine.kernel.memory().load(pa) as u16
    }

    #[inline(always)]
    fn read32(&mut self, pa: u32) -> u32 {
        if self.careful {
            return self.read_with_care(pa, 4);
        }
        self.machine.kernel.memory().load(pa)
    }

    #[inline(always)]
    fn write8(&mut self, pa: u32, value: u8) {
        if self.careful {
            return self.write_with_care(pa, 1, value.into());
        }
        self.machine.kernel.mem().store(pa, 1, value.into());
    }

    #[inline(always)]
    fn write16(&mut self, pa: u32, value: u16) {
        if self.careful {
            return self.write_with_care(pa, 2, value.into());
        }
        self.machine.kernel.mem().store(pa, 2, value.into());
    }

    #[inline(always)]
    fn write32(&mut self, pa: u32, value: u32) {
        if self.careful {
            return self.write_with_care(pa, 4, value);
        }
        self.machine.kernel.mem().store(pa, 4, value);
    }

    #[inline(always)]
    fn version(&self, pa: u32) -> u64 {
        self.machine.kernel.memory().version(Pfn::containing(pa))
    }

    fn fence(&mut self) {
        self.care.drain(self.machine.kernel.mem(), self.cpu);
    }

    fn time_stamp(&mut self) -> u64 {
        *self.stamp = self.machine.now.max(*self.stamp + 1);
        *self.stamp
    }

    fn port_in(&mut self, port: u16, size: u32) -> u32 {
        match &mut self.disk {
            Some(disk) if Ide::has_port(port) => disk.port_in(port, size),
            // Nothing is attached: the lines of the bus float high.
            _ => u32::MAX >> (32 - size * 8),
        }
    }

    fn port_out(&mut self, port: u16, size: u32, value: u32) {
        if let Some(disk) = &mut self.disk
            && Ide::has_port(port)
        {
            disk.port_out(port, size, value);
        }
    }
}
