//! A machine under a debugger: registers and memory of its CPUs, read without a trace
//! and written at will.
//!
//! The hard thing is to read what the program would read and to change nothing by it:
//! no TLB is filled, no accessed bit set, no store pushed out of its buffer. And memory
//! is what the page tables say, not what a TLB remembers of them.

use crate::context::Cpu;
use crate::pc::Pc;
use abi::EnvId;
use kcore::{CpuId, Pfn};
use ring3::Registers;
use ring3::float::Fpu;
use sim::machine::Mode;
use sim::mmu::walk;

impl Pc<'_> {
    /// Whether a program is on `cpu`, and the next thing there is an instruction of its.
    pub fn is_in_ring3(&self, cpu: CpuId) -> bool {
        self.machine.cpu(cpu).mode == Mode::User
    }

    /// Where the program on `cpu` goes on; 0 if there is none.
    #[inline]
    pub fn eip(&self, cpu: CpuId) -> u32 {
        match self.loaded(cpu) {
            Some(own) => own.processor.registers.eip,
            None => self.machine.cpu(cpu).frame.eip,
        }
    }

    /// The registers of the program on `cpu`.
    pub fn registers(&self, cpu: CpuId) -> Registers {
        match self.loaded(cpu) {
            Some(own) => own.processor.registers,
            None => self.registers_in_frame(cpu),
        }
    }

    /// Changes the registers of the program on `cpu`; nothing, if the CPU is in the
    /// kernel.
    pub fn set_registers(&mut self, cpu: CpuId, registers: &Registers) -> Option<()> {
        self.is_in_ring3(cpu).then_some(())?;
        self.load(cpu);
        self.cpus[cpu.0 as usize].processor.registers = *registers;
        // Where they were before, an interrupt looks for them.
        self.unload(cpu);
        Some(())
    }

    /// The x87 and SSE registers of the program on `cpu`; those after a reset, if it
    /// has not used any.
    pub fn fpu(&self, cpu: CpuId) -> Fpu {
        match self.loaded(cpu) {
            Some(own) if own.processor.fpu_enabled => own.processor.fpu.clone(),
            _ => self.fpu_kept(cpu),
        }
    }

    /// The environment's page directory, while it lives.
    pub fn directory(&self, env: EnvId) -> Option<Pfn> {
        let envs = self.machine.kernel.envs();
        let slot = envs.find(env)?;
        Some(envs[slot].space.pgdir)
    }

    /// The byte at `va`, as programs in the space of this page directory find it.
    #[inline]
    pub fn byte(&self, directory: Pfn, va: u32) -> Option<u8> {
        self.place(directory, va).map(|(_, byte)| byte)
    }

    /// As [`Pc::byte`], with the byte's physical address before it.
    #[inline]
    pub fn place(&self, directory: Pfn, va: u32) -> Option<(u32, u8)> {
        let memory = self.machine.kernel.memory();
        let pa = walk(memory, directory, va)?.frame.address() | va & 0xfff;
        Some((pa, (memory.load(pa & !3) >> (pa % 4 * 8)) as u8))
    }

    /// As [`Pc::byte`] in the space that `cpu` has loaded, with the stores of `cpu` that
    /// others do not see yet.
    pub fn byte_on(&self, cpu: CpuId, va: u32) -> Option<u8> {
        let (pa, byte) = self.place(self.machine.cpu(cpu).cr3, va)?;
        let stores = &self.care.stores[cpu.0 as usize];
        Some(stores.byte(pa).unwrap_or(byte))
    }

    /// Changes the byte at `va` in the space that `cpu` has loaded, even if programs may
    /// not write there; nothing, if nothing is mapped. Others that share the page see it.
    pub fn set_byte_on(&mut self, cpu: CpuId, va: u32, byte: u8) -> Option<()> {
        let directory = self.machine.cpu(cpu).cr3;
        let frame = walk(self.machine.kernel.memory(), directory, va)?.frame;
        let memory = self.machine.kernel.mem();
        self.care.drain(memory, cpu);
        memory.store(frame.address() | va & 0xfff, 1, byte.into());
        Some(())
    }

    fn loaded(&self, cpu: CpuId) -> Option<&Cpu> {
        let own = &self.cpus[cpu.0 as usize];
        own.is_loaded().then_some(own)
    }
}
