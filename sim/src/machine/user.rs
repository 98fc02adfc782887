//! What a program does between two entries to the kernel: touch memory.
//!
//! The hard thing is to keep what the page tables say apart from what this CPU
//! remembers of them: an access uses the remembered translation, however old.

use super::{Machine, Mode};
use crate::mmu::{Translation, fetch, is_present, mark_written, walk};
use abi::layout::PGSIZE;
use abi::trap::{FAULT_PROTECTION, FAULT_USER, FAULT_WRITE, Vector};
use kcore::{CpuId, Event, PhysMem};

/// What an access by user mode meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The CPU remembers a translation that allows it.
    Hit(Translation),
    /// The CPU does not, but the page tables have one.
    Miss(Translation),
    /// Neither: a page fault.
    Fault,
}

/// The page that holds `va`.
#[inline]
pub fn page_of(va: u32) -> u32 {
    va - va % PGSIZE
}

impl Machine<'_> {
    /// What an access to `va` on `cpu` would meet now.
    pub fn access(&self, cpu: CpuId, va: u32, write: bool) -> Access {
        let own = self.cpu(cpu);
        let allows = |translation: &Translation| translation.writeable || !write;
        if let Some(translation) = own.tlb.get(page_of(va)).filter(allows) {
            return Access::Hit(translation);
        }
        match walk(self.kernel.memory(), own.cr3, va).filter(allows) {
            Some(translation) => Access::Miss(translation),
            None => Access::Fault,
        }
    }

    /// `cpu` fetches the translation of the page at `va`, if there is one.
    pub fn fill(&mut self, cpu: CpuId, va: u32) {
        self.fetch(cpu, va, false);
    }

    /// The translation that an access to `va` on `cpu` uses: one that the CPU remembers,
    /// or else what the page tables have, which it remembers from now on. `None` if that
    /// faults.
    #[inline]
    pub fn translate(&mut self, cpu: CpuId, va: u32, write: bool) -> Option<Translation> {
        let own = self.cpu(cpu);
        let remembered = own.tlb.get(page_of(va));
        match remembered.filter(|translation| translation.writeable || !write) {
            None => self.fetch(cpu, va, write),
            Some(translation) => {
                if write && self.usage_bits {
                    let cr3 = own.cr3;
                    mark_written(self.kernel.mem(), cr3, va);
                }
                Some(translation)
            }
        }
    }

    #[inline]
    fn fetch(&mut self, cpu: CpuId, va: u32, write: bool) -> Option<Translation> {
        let own = self.cpu_mut(cpu);
        own.arrive();
        let cr3 = own.cr3;
        let usage_bits = self.usage_bits;
        let translation = fetch(self.kernel.mem(), cr3, va, write, usage_bits)?;
        self.cpu_mut(cpu).tlb.fill(page_of(va), translation);
        Some(translation)
    }

    /// The error code of a page fault that an access to `va` on `cpu` raises (Intel SDM
    /// volume 3, 4.7).
    pub fn fault_error(&self, cpu: CpuId, va: u32, write: bool) -> u32 {
        let present = is_present(self.kernel.memory(), self.cpu(cpu).cr3, va);
        FAULT_USER
            | if write { FAULT_WRITE } else { 0 }
            | if present { FAULT_PROTECTION } else { 0 }
    }

    /// A page fault at `va`: `cpu` wants the lock.
    pub fn page_fault(&mut self, cpu: CpuId, va: u32, write: bool) {
        let error = self.fault_error(cpu, va, write);
        let frame = &mut self.cpu_mut(cpu).frame;
        frame.trapno = Vector::PAGE_FAULT.0;
        frame.err = error;
        self.trap(cpu, Event::PageFault { va });
    }

    /// An exception that is no page fault: `cpu` wants the lock.
    pub fn exception(&mut self, cpu: CpuId, vector: Vector, error: u32) {
        let frame = &mut self.cpu_mut(cpu).frame;
        frame.trapno = vector.0;
        frame.err = error;
        self.trap(cpu, Event::Exception);
    }

    /// The environment on `cpu` reads the word at `va`. `None` if that faults;
    /// then the CPU wants the lock.
    pub fn load(&mut self, cpu: CpuId, va: u32) -> Option<u32> {
        let translation = self.reach(cpu, va, false)?;
        let pa = translation.frame.address() + va % PGSIZE;
        Some(self.kernel.memory().read(pa & !3))
    }

    /// The environment on `cpu` writes the word at `va`; otherwise like [`Machine::load`].
    pub fn store(&mut self, cpu: CpuId, va: u32, value: u32) -> Option<()> {
        let translation = self.reach(cpu, va, true)?;
        let pa = translation.frame.address() + va % PGSIZE;
        self.kernel.mem().write(pa & !3, value);
        Some(())
    }

    fn reach(&mut self, cpu: CpuId, va: u32, write: bool) -> Option<Translation> {
        assert_eq!(self.cpu(cpu).mode, Mode::User);
        let translation = self.translate(cpu, va, write);
        if translation.is_none() {
            self.page_fault(cpu, va, write);
        }
        translation
    }
}
