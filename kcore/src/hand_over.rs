//! The shortest way from one environment to another: a call or a reply of two words,
//! to one that waits for just that.
//!
//! `ipc_call` and `ipc_reply` nearly always end here: the partner waits, no page goes
//! along, none is wanted, and nobody else waits to send. Then the step is some registers
//! and a few words of state, and the machine has nothing to do but load the other page
//! directory. The hard thing is to look up each fact once: both environments are taken
//! out of the table together, so the compiler knows that they are two, and keeps their
//! places in registers.
//!
//! This is the body of `sys_ipc_call` and `sys_ipc_reply`, of leaving a CPU and of coming
//! to one, for that case. Every other case is theirs. Tests make the same steps both ways.

use crate::env::Wait;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::sched::exchange::Stage;
use crate::watch::Watcher;
use abi::call::{IPC_CALL, IPC_REPLY};
use abi::layout::{PGSIZE, UTOP};
use abi::{EnvId, EnvStatus, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes the step if it is such a call or reply, and returns whether it was; else
    /// changes nothing. After it the CPU continues as after a [`crate::Step::Switch`] that
    /// asks for nothing.
    ///
    /// Who comes gets what is left of the quantum, so the time of the step does not matter.
    #[inline(always)]
    pub fn hand_over(&mut self, cpu: CpuId, frame: &mut TrapFrame) -> bool {
        let its = &mut self.cpus[cpu];
        let Some(slot) = its.current.get() else {
            return false;
        };
        if !self.quiet || its.fpu {
            return false;
        }
        let [id, place, ..] = frame.arguments();
        let partner = Slot(EnvId(id as i32).slot() as u16);
        let Some([from, to]) = self.envs.pair(slot, partner) else {
            return false;
        };
        if to.id.0 as u32 != id || place % PGSIZE != 0 || to.inbox.dstva < UTOP {
            return false;
        }
        // One that waits is alive; and while the kernel is quiet, no job is being ended.
        match frame.regs.eax {
            IPC_CALL if to.wait == Wait::Request => {
                from.wait = Wait::Reply(partner);
                to.callers = to.callers.wrapping_add(1);
                to.frame.regs.eax = from.id.0 as u32;
            }
            IPC_REPLY if to.wait == Wait::Reply(slot) && from.senders.is_empty() => {
                from.wait = Wait::Request;
                from.callers = from.callers.wrapping_sub(1);
                to.frame.regs.eax = 0;
                // As the longer way, which may have to be gone on with.
                frame.regs.edx = 0;
            }
            _ => return false,
        }
        to.frame.regs.ebx = frame.regs.ebx;
        to.frame.regs.edi = frame.regs.edi;
        frame.regs.eax = 0;
        to.wait = Wait::Nothing;
        from.inbox.dstva = UTOP;
        let stage = Stage {
            its,
            mirror: self.mirror,
            mem: &mut self.mem,
            outbox: &mut self.outbox,
        };
        let left = EnvStatus::NotRunnable;
        stage.exchange(cpu, [slot, partner], [from, to], left, frame);
        true
    }
}
