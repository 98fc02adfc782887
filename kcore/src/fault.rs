//! Exceptions that user code raises: its own page-fault handler, or death.
//!
//! A page fault is handed to the environment itself, if it has registered a
//! handler: its registers are written to its exception stack, and it goes on in
//! the handler. Anything else ends it, and the lines that say so are part of the
//! interface: people's graders match them. They also expect a breakpoint to stop
//! in the kernel's monitor; booted for that ([`crate::Config::grading`]), the
//! step asks for it, and the environment goes on.
//!
//! The hard thing is a handler that faults itself. The frame then goes below
//! the one that is being handled, with one empty word between them, for the
//! handler's way back; and one check, that the frame's place can be written,
//! covers everything that may be wrong with an exception stack.

use crate::effects::Effects;
use crate::effects::Next;
use crate::event::Event;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::usermem::{BadAddress, UserSlice};
use crate::watch::Watcher;
use abi::layout::{KERNBASE, PGSIZE, UXSTACKTOP, kernel_stack_top};
use abi::trap::{FAULT_PROTECTION, FAULT_USER, FAULT_WRITE, FLAG_RF, UTRAP_FRAME_SIZE, Vector};
use abi::{TrapFrame, UTrapFrame};
use core::fmt::{self, Write};
use core::mem::size_of;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// An exception in user mode.
    pub(crate) fn fault(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Next {
        let upcall = self.envs[slot].upcall;
        match event {
            Event::Exception if self.stops_at(frame) => {
                self.effects |= Effects::BREAK;
                Next::Same
            }
            Event::PageFault { va } if upcall != 0 => self.reflect(cpu, slot, va, upcall, frame),
            _ => self.kill(cpu, slot, event, frame),
        }
    }

    /// Whether an exception is one to enter the monitor for. Debug exceptions
    /// are, whoever set the flag: their use is single-stepping, and a program
    /// that may stop the machine by one instruction may by another.
    fn stops_at(&self, frame: &TrapFrame) -> bool {
        self.config.grading && matches!(Vector(frame.trapno), Vector::BREAKPOINT | Vector::DEBUG)
    }

    /// The registers of the environment in `slot`, to be printed as JOS prints
    /// them: with the address where it keeps them, in the public table's entry.
    pub fn dump<'f>(
        &self,
        cpu: CpuId,
        slot: Slot,
        frame: &'f TrapFrame,
        fault_va: Option<u32>,
    ) -> Dump<'f> {
        Dump {
            frame,
            address: KERNBASE.wrapping_add(self.mirror.address(slot)),
            cpu,
            fault_va,
        }
    }

    /// Hands a page fault to the environment's own handler.
    pub(crate) fn reflect(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        va: u32,
        upcall: u32,
        frame: &mut TrapFrame,
    ) -> Next {
        let nested = (UXSTACKTOP - PGSIZE..UXSTACKTOP).contains(&frame.esp);
        let top = if nested { frame.esp - 4 } else { UXSTACKTOP };
        let place = UserSlice {
            ptr: top - UTRAP_FRAME_SIZE,
            len: UTRAP_FRAME_SIZE,
        };
        let space = self.envs[slot].space;
        let saved = UTrapFrame {
            fault_va: va,
            err: frame.err,
            regs: frame.regs,
            eip: frame.eip,
            // Set by some processors in the flags that a fault saves.
            eflags: frame.eflags & !FLAG_RF,
            esp: frame.esp,
        };
        if let Err(bad) = place.store(&mut self.mem, space, &saved.bytes()) {
            return self.bad_memory(cpu, slot, bad);
        }
        frame.esp = place.ptr;
        frame.eip = upcall;
        Next::Same
    }

    /// Prints what happened and ends the environment.
    fn kill(&mut self, cpu: CpuId, slot: Slot, event: Event, frame: &TrapFrame) -> Next {
        let id = self.envs[slot].id;
        let fault_va = match event {
            Event::PageFault { va } => Some(va),
            _ => None,
        };
        let on_stack = kernel_stack_top(u32::from(cpu.0)) - size_of::<TrapFrame>() as u32;
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
        let dump = self.dump(cpu, slot, frame, fault_va);
        let _ = write!(self.console, "{dump}");
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
