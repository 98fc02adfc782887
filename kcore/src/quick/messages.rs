//! `ipc_send` and `ipc_recv` of a word.
//!
//! Whoever comes first waits, and the other one finds it: four cases. The hard thing is
//! the queue of senders: its links are in environments other than the two that talk, so
//! those are touched last, when the two have been put back.

use super::{RESUME, SWITCH};
use crate::env::{Env, Inbox, Letter, Wait};
use crate::ids::{CpuId, Link, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::step::Step;
use crate::syscall::Caller;
use crate::watch::Watcher;
use abi::layout::UTOP;
use abi::{Call, EnvId, EnvStatus, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes the step of an `ipc_send`, or changes nothing.
    #[inline(always)]
    pub(super) fn quick_send(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        now: impl FnOnce() -> u64,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        let [id, value, va, perm] = frame.arguments();
        if va < UTOP {
            self.now = now();
            return Some(self.quiet_message(Caller { cpu, slot }, Call::IpcSend, frame));
        }
        let target = Slot(EnvId(id as i32).slot() as u16);
        let [from, to] = self.envs.pair(slot, target)?;
        if to.id.0 as u32 != id {
            return None;
        }
        match to.wait {
            Wait::Message => {
                if !self.sched.idle.is_empty() {
                    return None;
                }
                put_into_inbox(to, from.id, value);
                self.mirror.message(&mut self.mem, target, to);
                frame.regs.eax = 0;
                self.quick_wake(target);
                Some(RESUME)
            }
            Wait::Request | Wait::Reply(_) => None,
            _ if !to.alive || from.hurries => None,
            _ => {
                let next = self.quick_next()?;
                let [from, to] = self.envs.pair(slot, target)?;
                from.letter = Letter { value, va, perm };
                from.wait = Wait::Receiver(target);
                from.next = Link::NONE;
                from.prev = to.senders.back();
                if let Some(last) = to.senders.append(slot) {
                    self.envs[last].next = Link::to(slot);
                }
                Some(self.quick_stop(cpu, now(), [slot, next], frame))
            }
        }
    }

    /// Makes the step of an `ipc_recv`, or changes nothing.
    #[inline(always)]
    pub(super) fn quick_recv(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        now: impl FnOnce() -> u64,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        let [dstva, ..] = frame.arguments();
        if dstva < UTOP {
            self.now = now();
            return Some(self.quiet_message(Caller { cpu, slot }, Call::IpcRecv, frame));
        }
        let Some(sender) = self.envs[slot].senders.front() else {
            let next = self.quick_next()?;
            let env = &mut self.envs[slot];
            if env.hurries {
                return None;
            }
            env.inbox.dstva = dstva;
            env.wait = Wait::Message;
            self.mirror.receiving(&mut self.mem, slot, env);
            return Some(self.quick_stop(cpu, now(), [slot, next], frame));
        };
        let [to, from] = self.envs.pair(slot, sender)?;
        let waits = matches!(from.wait, Wait::Receiver(_));
        if !waits || from.letter.va < UTOP || !self.sched.idle.is_empty() {
            return None;
        }
        let among_others = from.next != Link::NONE;
        if among_others && from.id == to.inbox.from {
            return None;
        }
        to.inbox.dstva = dstva;
        let next = to.senders.drop_first(from.next);
        from.next = Link::NONE;
        put_into_inbox(to, from.id, from.letter.value);
        self.mirror.message(&mut self.mem, slot, to);
        if let Some(next) = next {
            self.envs[next].prev = Link::NONE;
        }
        frame.regs.eax = 0;
        self.quick_wake(sender);
        Some(RESUME)
    }

    /// The caller, which waits now, leaves its CPU to `next`. Its call will return 0.
    #[inline(always)]
    fn quick_stop(
        &mut self,
        cpu: CpuId,
        now: u64,
        [slot, next]: [Slot; 2],
        frame: &mut TrapFrame,
    ) -> Step {
        frame.regs.eax = 0;
        self.sched.ready.take_next(&mut self.envs);
        self.cpus[cpu].since = now;
        self.exchange(cpu, [slot, next], EnvStatus::NotRunnable, frame);
        SWITCH
    }

    /// Ends the wait of an environment, whose call returns 0. No CPU is idle.
    #[inline(always)]
    fn quick_wake(&mut self, slot: Slot) {
        let env = &mut self.envs[slot];
        env.frame.regs.eax = 0;
        env.wait = Wait::Nothing;
        self.sched.ready.add(&mut self.envs, slot);
        self.mirror.status(&mut self.mem, slot, EnvStatus::Runnable);
    }
}

/// Receives a word.
#[inline(always)]
fn put_into_inbox(env: &mut Env, from: EnvId, value: u32) {
    env.inbox = Inbox {
        value,
        from,
        perm: 0,
        ..env.inbox
    };
}
