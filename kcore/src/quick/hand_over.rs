//! `ipc_call` and `ipc_reply` of two words, to one that waits for just that.
//!
//! The partner waits, no page goes along, none is wanted, and nobody else waits to send.
//! The hard thing is to look up each fact once: both environments are taken out of the
//! table together, so the compiler knows that they are two, and keeps their places in
//! registers.

use super::SWITCH;
use crate::env::{Env, Wait};
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::sched::exchange::Stage;
use crate::step::Step;
use crate::watch::Watcher;
use abi::layout::{PGSIZE, UTOP};
use abi::{EnvId, EnvStatus, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes the step of an `ipc_call`, or changes nothing.
    #[inline(always)]
    pub(super) fn quick_ipc_call(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        self.quick_hand_over(cpu, slot, frame, |[_, server], from, to, _| {
            if to.wait != Wait::Request {
                return false;
            }
            from.wait = Wait::Reply(server);
            to.callers = to.callers.wrapping_add(1);
            to.frame.regs.eax = from.id.0 as u32;
            true
        })
    }

    /// Makes the step of an `ipc_reply` to one that waits for it, or changes nothing.
    #[inline(always)]
    pub(super) fn quick_ipc_reply(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        self.quick_hand_over(cpu, slot, frame, |[server, _], from, to, frame| {
            if to.wait != Wait::Reply(server) || !from.senders.is_empty() {
                return false;
            }
            from.wait = Wait::Request;
            from.callers = from.callers.wrapping_sub(1);
            to.frame.regs.eax = 0;
            // As the longer way, which may have to be gone on with.
            frame.regs.edx = 0;
            true
        })
    }

    /// If no page goes along, the partner wants none, and `meet` brings the two together:
    /// the words go over, and the CPU with what is left of the quantum. So the time of the
    /// step does not matter. Else nothing changes.
    ///
    /// A partner that waits is alive, and while the kernel is quiet its job is not being
    /// ended.
    #[inline(always)]
    fn quick_hand_over(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        frame: &mut TrapFrame,
        meet: impl FnOnce([Slot; 2], &mut Env, &mut Env, &mut TrapFrame) -> bool,
    ) -> Option<Step> {
        let [id, place, ..] = frame.arguments();
        let slots = [slot, Slot(EnvId(id as i32).slot() as u16)];
        let [from, to] = self.envs.pair(slots[0], slots[1])?;
        let plain = to.id.0 as u32 == id && place % PGSIZE == 0 && to.inbox.dstva >= UTOP;
        if !plain || from.hurries || self.cpus[cpu].fpu || !meet(slots, from, to, frame) {
            return None;
        }
        to.frame.regs.ebx = frame.regs.ebx;
        to.frame.regs.edi = frame.regs.edi;
        to.wait = Wait::Nothing;
        from.inbox.dstva = UTOP;
        frame.regs.eax = 0;
        let stage = Stage {
            its: &mut self.cpus[cpu],
            mirror: &self.mirror,
            mem: &mut self.mem,
            outbox: &mut self.outbox,
        };
        stage.exchange(cpu, slots, [from, to], EnvStatus::NotRunnable, frame);
        Some(SWITCH)
    }
}
