//! Accesses one by one: store buffers, and which accesses others may notice.
//!
//! A schedule matters only where CPUs meet: at entries to the kernel, and at memory that
//! two environments, or an environment and the kernel, use. The hard thing is to know
//! the latter, from facts that are the same in every run: a frame with more than one
//! reference that is mapped writable here, or was written so before; or one of the
//! kernel's, which programs read through the windows at UENVS and UPAGES. Pages that
//! `fork` shares are mapped read-only until a copy is made, so they do not count.
//!
//! A page that is an environment's alone is as fast as ever: its stores go to memory at
//! once, which nobody else can notice.

use crate::stores::Stores;
use kcore::{CpuId, Pfn};
use ring3::Access;
use sim::machine::Machine;
use sim::memory::Memory;
use sim::mmu::Translation;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

/// What is done with single accesses.
#[derive(Clone, Debug)]
pub struct Care {
    /// Anything at all. If not, the rest stays as it is.
    pub(crate) is_taken: bool,
    /// Whether stores go to buffers.
    buffers: bool,
    /// By CPU.
    pub(crate) stores: Vec<Stores>,
    /// Where the processor fetches from: the physical address of its instruction.
    code: u32,
    /// The latest instruction has used memory that others use.
    pub(crate) met: bool,
    /// Frames that were written while they had several references.
    published: BTreeSet<u32>,
}

impl Care {
    /// For so many CPUs; `narrow` if meeting places are looked for.
    pub(crate) fn new(cpus: usize, buffers: bool, narrow: bool) -> Care {
        Care {
            is_taken: buffers || narrow,
            buffers,
            stores: vec![Stores::default(); cpus],
            code: 0,
            met: false,
            published: BTreeSet::new(),
        }
    }

    /// An access at this physical address was translated. Returns whether it must be
    /// looked at again the next time: others may use that memory.
    pub(crate) fn meets(
        &mut self,
        machine: &mut Machine<'_>,
        cpu: CpuId,
        translation: Translation,
        pa: u32,
        access: Access,
    ) -> bool {
        let Translation { frame, writeable } = translation;
        if access == Access::Fetch {
            self.code = pa;
            // A processor executes what it has stored, at once.
            if self.stores[cpu.0 as usize].reaches(pa) {
                self.drain(machine.kernel.mem(), cpu);
            }
            return self.buffers && self.is_shared(machine, frame);
        }
        if !self.is_shared(machine, frame) {
            return false;
        }
        let is_kernels = frame.0 < machine.usable().start;
        if access == Access::Write {
            self.published.insert(frame.0);
        }
        let meets = is_kernels || writeable || self.published.contains(&frame.0);
        self.met |= meets;
        meets
    }

    /// Whether a frame has several references, or is the kernel's.
    pub(crate) fn is_shared(&self, machine: &Machine<'_>, frame: Pfn) -> bool {
        let usable = machine.usable();
        frame.0 < usable.start || frame.0 < usable.end && machine.kernel.frames().count(frame) > 1
    }

    /// What `cpu` reads.
    pub(crate) fn load(&mut self, memory: &mut Memory, cpu: CpuId, pa: u32, size: u32) -> u32 {
        self.stores[cpu.0 as usize].load(memory, pa, size)
    }

    /// `cpu` stores the low bytes of a value: physical address, bytes, value.
    pub(crate) fn store(
        &mut self,
        memory: &mut Memory,
        cpu: CpuId,
        (pa, size, value): (u32, u32, u32),
        is_shared: bool,
    ) {
        let stores = &mut self.stores[cpu.0 as usize];
        if !self.buffers || !is_shared {
            return memory.store(pa, size, value);
        }
        if pa >> 12 != self.code >> 12 {
            return stores.push(memory, pa, size, value);
        }
        // Code that writes into itself sees the change with the next instruction.
        stores.drain(memory);
        memory.store(pa, size, value);
    }

    /// All stores of `cpu` reach memory.
    pub(crate) fn drain(&mut self, memory: &mut Memory, cpu: CpuId) {
        self.stores[cpu.0 as usize].drain(memory);
    }
}

/// What makes a difference to what comes next.
impl Hash for Care {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.stores.hash(hasher);
        self.published.hash(hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::explorer::state::{Hash128, Mixer};

    fn number(care: &Care) -> Hash128 {
        let mut mixer = Mixer::default();
        care.hash(&mut mixer);
        mixer.both()
    }

    /// Whether a frame was published decides whether CPUs meet there later.
    #[test]
    fn published_frames_make_a_difference() {
        let mut care = Care::new(2, false, true);
        let before = number(&care);
        care.met = true;
        assert_eq!(number(&care), before);
        care.published.insert(7);
        assert_ne!(number(&care), before);
    }
}
