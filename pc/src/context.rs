//! Where the registers of a program are.
//!
//! While it runs they are in its processor. As soon as anything is done to the CPU,
//! they must be in its frame, where the machine and the kernel look for them; x87 and SSE
//! registers go to the machine, and FS and GS are kept here. The hard thing is to keep
//! what the kernel says and not what would be right: a kernel that forgets to reset
//! registers must be seen to do so.

use crate::bus::Recent;
use crate::crossing::{MODEL, to_frame, to_ring3};
use crate::pc::Pc;
use abi::trap::USER_DATA;
use abi::{EnvId, TrapFrame};
use kcore::CpuId;
use ring3::float::Fpu;
use ring3::{Processor, Registers, Segment};
use sim::machine;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// FS and GS of an environment at its start.
const FRESH: [u16; 2] = [USER_DATA as u16; 2];

/// A processor, and what it has translated.
#[derive(Clone, Debug)]
pub(crate) struct Cpu {
    pub(crate) processor: Processor,
    pub(crate) recent: Recent,
    /// Whether the registers of its program are in the processor.
    loaded: bool,
}

impl Hash for Cpu {
    fn hash<H: Hasher>(&self, to: &mut H) {
        self.loaded.hash(to);
        if self.loaded {
            to_frame(&self.processor.registers).hash(to);
            self.processor.registers.selectors.hash(to);
            self.processor.fpu.hash(to);
        }
    }
}

impl Cpu {
    /// Whether the registers of its program are in the processor.
    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// One that has not been in ring 3.
    pub(crate) fn new() -> Cpu {
        Cpu {
            processor: Processor {
                model: MODEL,
                registers: to_ring3(&TrapFrame::default(), 0, 0),
                fpu: Fpu::default(),
                fpu_enabled: false,
            },
            recent: Recent::default(),
            loaded: false,
        }
    }
}

/// What is in no frame.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Kept {
    /// FS and GS, by slot, of the environment with that id; without those that are as
    /// they were at its start, as in nearly all programs.
    selectors: BTreeMap<usize, (EnvId, [u16; 2])>,
}

/// The x87 and SSE registers that the machine keeps, as the processor has them.
fn from_saved(registers: &machine::registers::Registers) -> Fpu {
    let mut bytes = [0; 512];
    for (place, word) in bytes.chunks_exact_mut(4).zip(registers.image()) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    Fpu::from_image(&bytes)
}

fn to_saved(fpu: &Fpu) -> machine::registers::Registers {
    let bytes = fpu.image();
    machine::registers::Registers::new(std::array::from_fn(|index| {
        let at = index * 4;
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    }))
}

impl Pc<'_> {
    /// Puts the registers into the processor, if they are in the frame.
    pub(crate) fn load(&mut self, cpu: CpuId) {
        if self.cpus[cpu.0 as usize].loaded {
            return;
        }
        let registers = self.registers_in_frame(cpu);
        let own = self.machine.cpu_mut(cpu);
        let here = &mut self.cpus[cpu.0 as usize];
        here.processor.registers = registers;
        here.processor.fpu_enabled = own.fpu.user.is_some();
        if own.fpu.user.is_some() {
            here.processor.fpu = from_saved(&own.fpu.value);
        }
        if self.care.is_taken {
            // What was private may be shared now.
            here.recent = Recent::default();
        }
        here.recent.follow(own.tlb.age());
        here.loaded = true;
    }

    /// Puts the registers into the frame, if they are in the processor, and stores
    /// that are on their way into memory.
    pub(crate) fn unload(&mut self, cpu: CpuId) {
        self.care.drain(self.machine.kernel.mem(), cpu);
        let here = &mut self.cpus[cpu.0 as usize];
        if !here.loaded {
            return;
        }
        here.loaded = false;
        let own = self.machine.cpu_mut(cpu);
        own.frame = to_frame(&here.processor.registers);
        if own.fpu.user.is_some() {
            own.fpu.value = to_saved(&here.processor.fpu);
        }
        let registers = here.processor.registers;
        self.keep_selectors(cpu, &registers);
    }

    /// The registers of a program that are not in the processor.
    pub(crate) fn registers_in_frame(&self, cpu: CpuId) -> Registers {
        let [fs, gs] = self.kept_selectors(cpu);
        to_ring3(&self.machine.cpu(cpu).frame, fs, gs)
    }

    /// As [`Pc::registers_in_frame`], x87 and SSE.
    pub(crate) fn fpu_kept(&self, cpu: CpuId) -> Fpu {
        let own = &self.machine.cpu(cpu).fpu;
        match own.user {
            Some(_) => from_saved(&own.value),
            None => Fpu::default(),
        }
    }

    /// FS and GS of the environment on `cpu`.
    fn kept_selectors(&self, cpu: CpuId) -> [u16; 2] {
        let Some(id) = self.machine.env_on(cpu) else {
            return FRESH;
        };
        match self.kept.selectors.get(&id.slot()) {
            Some(&(of, kept)) if of == id => kept,
            _ => FRESH,
        }
    }

    fn keep_selectors(&mut self, cpu: CpuId, registers: &Registers) {
        if let Some(id) = self.machine.env_on(cpu) {
            let kept = [Segment::Fs, Segment::Gs].map(|segment| registers.selector(segment));
            if kept == FRESH {
                self.kept.selectors.remove(&id.slot());
            } else {
                self.kept.selectors.insert(id.slot(), (id, kept));
            }
        }
    }
}
