//! Registers and memory of the threads that gdb sees.
//!
//! The hard thing is a change: it makes another run from here on, so whatever was seen
//! beyond is forgotten. gdb writes registers back that nobody has changed; that is none.

use gdbstub::common::Tid;
use gdbstub::target::ext::base::multithread::{MultiThreadBase, MultiThreadResumeOps};
use gdbstub::target::ext::thread_extra_info::{ThreadExtraInfo, ThreadExtraInfoOps};
use gdbstub::target::{TargetError, TargetResult};
use gdbstub_arch::x86::reg::X86CoreRegs;

use super::i386::{from_gdb, to_gdb};
use super::{Debugged, cpu, thread};
use crate::debug::shown;

impl MultiThreadBase for Debugged<'_, '_> {
    fn read_registers(&mut self, shown: &mut X86CoreRegs, tid: Tid) -> TargetResult<(), Self> {
        let pc = &self.session.pc;
        *shown = to_gdb(&pc.registers(cpu(tid)), &pc.fpu(cpu(tid)));
        Ok(())
    }

    fn write_registers(&mut self, wanted: &X86CoreRegs, tid: Tid) -> TargetResult<(), Self> {
        let pc = &mut self.session.pc;
        let (old, fpu) = (pc.registers(cpu(tid)), pc.fpu(cpu(tid)));
        let new = from_gdb(wanted, &old, &fpu).ok_or(TargetError::NonFatal)?;
        if new != old {
            let set = pc.set_registers(cpu(tid), &new);
            set.ok_or(TargetError::NonFatal)?;
            self.session.was_changed();
        }
        Ok(())
    }

    fn read_addrs(&mut self, start: u32, data: &mut [u8], tid: Tid) -> TargetResult<usize, Self> {
        let mut count = 0;
        for (offset, byte) in (0..).zip(data) {
            match self
                .session
                .pc
                .byte_on(cpu(tid), start.wrapping_add(offset))
            {
                Some(found) => *byte = found,
                None => break,
            }
            count += 1;
        }
        if count == 0 {
            return Err(TargetError::NonFatal);
        }
        Ok(count)
    }

    fn write_addrs(&mut self, start: u32, data: &[u8], tid: Tid) -> TargetResult<(), Self> {
        if self.session.write(cpu(tid), start, data) {
            Ok(())
        } else {
            Err(TargetError::NonFatal)
        }
    }

    /// The CPU in focus comes first: where gdb means no thread in particular, it gets
    /// that one.
    fn list_active_threads(&mut self, each: &mut dyn FnMut(Tid)) -> Result<(), Self::Error> {
        let focus = self.session.focus;
        each(thread(focus));
        let others = self.session.pc.machine.cpu_ids();
        others
            .filter(|&cpu| cpu != focus)
            .for_each(|cpu| each(thread(cpu)));
        Ok(())
    }

    fn support_resume(&mut self) -> Option<MultiThreadResumeOps<'_, Self>> {
        Some(self)
    }

    fn support_thread_extra_info(&mut self) -> Option<ThreadExtraInfoOps<'_, Self>> {
        Some(self)
    }
}

impl ThreadExtraInfo for Debugged<'_, '_> {
    fn thread_extra_info(&self, tid: Tid, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        let text = shown::doing(self.session, self.programs, cpu(tid));
        let count = text.len().min(buffer.len());
        buffer[..count].copy_from_slice(&text.as_bytes()[..count]);
        Ok(count)
    }
}
