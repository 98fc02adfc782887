//! Exceptions that user code raises, and what it is killed for.
//!
//! The lines are part of the interface: people's graders match them. The hard
//! thing is to print what the environment *had*, from the frame on this CPU's
//! stack, in the place and order in which JOS prints it.

use crate::cpu::CpuId;
use crate::env::Slot;
use crate::event::Event;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::plant::Fault;
use crate::sched::Next;
use crate::usermem::BadAddress;
use abi::TrapFrame;
use abi::layout::{KERNBASE, kernel_stack_top};
use abi::trap::{FAULT_PROTECTION, FAULT_USER, FAULT_WRITE, Vector};
use core::fmt::{self, Write};
use core::mem::size_of;

impl<M: PhysMem> Kernel<'_, M> {
    /// An exception in user mode: prints what happened and ends the
    /// environment.
    pub(crate) fn fault(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        event: Event,
        frame: &TrapFrame,
    ) -> Next {
        let id = self.envs[slot].id;
        let fault_va = match event {
            Event::PageFault { va } => Some(va),
            _ => None,
        };
        let shown = TrapFrame {
            err: if self.config.plant.is(Fault::DropErrorCode) {
                0
            } else {
                frame.err
            },
            ..*frame
        };
        let on_stack = kernel_stack_top(u32::from(cpu.0)) - size_of::<TrapFrame>() as u32;
        // JOS shows where it keeps the registers: in the public table's entry.
        let saved = KERNBASE.wrapping_add(self.mirror.address(slot));
        // Writing to the ring cannot fail.
        let _ = writeln!(self.console, "Incoming TRAP frame at {on_stack:#x}");
        if let Some(va) = fault_va {
            let eip = frame.eip;
            let _ = writeln!(
                self.console,
                "[{:08x}] user fault va {va:08x} ip {eip:08x}",
                id.0
            );
        }
        let dump = Dump {
            frame: &shown,
            address: saved,
            cpu,
            fault_va,
        };
        let _ = write!(self.console, "{dump}");
        if self.config.plant.is(Fault::SurviveFault) {
            return Next::Yield;
        }
        self.destroy(cpu, id, slot);
        Next::Gone
    }

    /// A system call was given memory that is not the caller's: prints it and
    /// ends the caller.
    pub(crate) fn bad_memory(&mut self, cpu: CpuId, slot: Slot, bad: BadAddress) -> Next {
        let id = self.envs[slot].id;
        let _ = writeln!(
            self.console,
            "[{:08x}] user_mem_check assertion failure for va {:08x}",
            id.0, bad.0
        );
        self.destroy(cpu, id, slot);
        Next::Gone
    }
}

/// A trap frame, printed as JOS prints one.
pub struct Dump<'f> {
    /// The registers.
    pub frame: &'f TrapFrame,
    /// The address that is said to hold them.
    pub address: u32,
    /// The CPU that is named.
    pub cpu: CpuId,
    /// For a page fault: the address whose access faulted.
    pub fault_va: Option<u32>,
}

impl fmt::Display for Dump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tf = self.frame;
        let regs = &tf.regs;
        let name = Vector(tf.trapno).name();
        writeln!(
            f,
            "TRAP frame at {:#x} from CPU {}",
            self.address, self.cpu.0
        )?;
        writeln!(f, "  edi  0x{:08x}", regs.edi)?;
        writeln!(f, "  esi  0x{:08x}", regs.esi)?;
        writeln!(f, "  ebp  0x{:08x}", regs.ebp)?;
        writeln!(f, "  oesp 0x{:08x}", regs.oesp)?;
        writeln!(f, "  ebx  0x{:08x}", regs.ebx)?;
        writeln!(f, "  edx  0x{:08x}", regs.edx)?;
        writeln!(f, "  ecx  0x{:08x}", regs.ecx)?;
        writeln!(f, "  eax  0x{:08x}", regs.eax)?;
        writeln!(f, "  es   0x----{:04x}", tf.es & 0xffff)?;
        writeln!(f, "  ds   0x----{:04x}", tf.ds & 0xffff)?;
        writeln!(f, "  trap 0x{:08x} {name}", tf.trapno)?;
        if let Some(va) = self.fault_va {
            writeln!(f, "  cr2  0x{va:08x}")?;
        }
        write!(f, "  err  0x{:08x}", tf.err)?;
        if self.fault_va.is_some() {
            let says = |bit, yes, no| if tf.err & bit != 0 { yes } else { no };
            let who = says(FAULT_USER, "user", "kernel");
            let what = says(FAULT_WRITE, "write", "read");
            let why = says(FAULT_PROTECTION, "protection", "not-present");
            write!(f, " [{who}, {what}, {why}]")?;
        }
        writeln!(f, "\n  eip  0x{:08x}", tf.eip)?;
        writeln!(f, "  cs   0x----{:04x}", tf.cs & 0xffff)?;
        writeln!(f, "  flag 0x{:08x}", tf.eflags)?;
        if tf.cs & 3 != 0 {
            writeln!(f, "  esp  0x{:08x}", tf.esp)?;
            writeln!(f, "  ss   0x----{:04x}", tf.ss & 0xffff)?;
        }
        Ok(())
    }
}
