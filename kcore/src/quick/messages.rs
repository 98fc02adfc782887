//! `ipc_send` and `ipc_recv`.
//!
//! Whoever comes first waits, and the other one finds it: four cases. The hard thing is
//! the queue of senders: its links are in environments other than the two that talk, so
//! those are touched last, when the two have been put back.

use super::pages::{accept, offer};
use super::{FLUSH, RESUME, SWITCH};
use crate::env::{Env, Inbox, Letter, Wait};
use crate::ids::{CpuId, Link, Slot};
use crate::kernel::Kernel;
use crate::paging::UserPage;
use crate::phys::PhysMem;
use crate::sched::run_queue::RunQueue;
use crate::step::Step;
use crate::watch::Watcher;
use abi::layout::UTOP;
use abi::{EnvId, EnvStatus, TrapFrame};

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
        let [_, _, va, _] = frame.arguments();
        if va < UTOP {
            let now = now();
            return self.quick_send_of::<true>(cpu, slot, || now, frame);
        }
        self.quick_send_of::<false>(cpu, slot, now, frame)
    }

    /// With a page or without: two copies of the code, so that words alone have the registers
    /// for themselves.
    #[inline(always)]
    fn quick_send_of<const PAGE: bool>(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        now: impl FnOnce() -> u64,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        let [id, value, ..] = frame.arguments();
        let target = Slot(EnvId(id as i32).slot() as u16);
        let [from, to] = self.envs.pair(slot, target)?;
        if to.id.0 as u32 != id {
            return None;
        }
        let offered = match PAGE {
            true => Some(offer(&self.mem, from.space, Letter::of(frame))?),
            false => None,
        };
        if to.wait == Wait::Message {
            if !self.sched.idle.is_empty() {
                return None;
            }
            let mut delivered = 0;
            if let Some(entry) = offered {
                let page = UserPage::new(to.inbox.dstva)?;
                accept(&mut self.mem, &mut self.frames, to.space, page, entry)?;
                delivered = entry.perm().bits();
            }
            put_into_inbox(to, from.id, value, delivered);
            self.mirror.message(&mut self.mem, target, to);
            frame.regs.eax = 0;
            self.quick_wake(target);
            return Some(RESUME);
        }
        let takes_registers =
            matches!(to.wait, Wait::Request | Wait::Reply(_) | Wait::MessageOf(_));
        if takes_registers || !to.alive || from.hurries {
            return None;
        }
        let next = self.quick_next(cpu, slot)?;
        let [from, to] = self.envs.pair(slot, target)?;
        from.letter = Letter::of(frame);
        from.wait = Wait::Receiver(target);
        from.next = Link::NONE;
        from.prev = to.senders.back();
        if let Some(last) = to.senders.append(slot) {
            self.envs[last].next = Link::to(slot);
        }
        Some(self.quick_stop(cpu, now, [slot, next], frame))
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
            let page = UserPage::new(dstva)?;
            let now = now();
            return self.quick_recv_of(cpu, slot, || now, Some(page), frame);
        }
        self.quick_recv_of(cpu, slot, now, None, frame)
    }

    /// With a place for a page or without: two copies, too.
    #[inline(always)]
    fn quick_recv_of(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        now: impl FnOnce() -> u64,
        wanted: Option<UserPage>,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        let [dstva, ..] = frame.arguments();
        let Some(sender) = self.envs[slot].senders.front() else {
            let next = self.quick_next(cpu, slot)?;
            let env = &mut self.envs[slot];
            if env.hurries {
                return None;
            }
            env.inbox.dstva = dstva;
            env.wait = Wait::Message;
            self.mirror.receiving(&mut self.mem, slot, env);
            return Some(self.quick_stop(cpu, now, [slot, next], frame));
        };
        let [to, from] = self.envs.pair(slot, sender)?;
        let waits = matches!(from.wait, Wait::Receiver(_));
        if !waits || !self.sched.idle.is_empty() {
            return None;
        }
        let among_others = from.next != Link::NONE;
        if among_others && from.id == to.inbox.from {
            return None;
        }
        let (mut delivered, mut step) = (0, RESUME);
        if from.letter.va < UTOP {
            let entry = offer(&self.mem, from.space, from.letter)?;
            if accept(&mut self.mem, &mut self.frames, to.space, wanted?, entry)? {
                self.outbox.flush = dstva;
                step = FLUSH;
            }
            delivered = entry.perm().bits();
        }
        to.inbox.dstva = dstva;
        // Its link is changed when it is woken, to that of the run queue.
        let next = to.senders.drop_first(from.next);
        put_into_inbox(to, from.id, from.letter.value, delivered);
        self.mirror.message(&mut self.mem, slot, to);
        if let Some(next) = next {
            self.envs[next].prev = Link::NONE;
        }
        frame.regs.eax = 0;
        self.quick_wake(sender);
        Some(step)
    }

    /// The caller, which waits now, leaves its CPU to `next`. Its call will return 0. The
    /// clock is read first: it needs two registers, which soon all are in use.
    #[inline(always)]
    fn quick_stop(
        &mut self,
        cpu: CpuId,
        now: impl FnOnce() -> u64,
        [slot, next]: [Slot; 2],
        frame: &mut TrapFrame,
    ) -> Step {
        self.cpus[cpu].since = now();
        frame.regs.eax = 0;
        self.sched.ready.round_robin.take(&mut self.envs, next);
        self.exchange(cpu, [slot, next], EnvStatus::NotRunnable, frame);
        SWITCH
    }

    /// Ends the wait of an environment, whose call returns 0. No CPU is idle.
    #[inline(always)]
    fn quick_wake(&mut self, slot: Slot) {
        let env = &mut self.envs[slot];
        env.frame.regs.eax = 0;
        env.wait = Wait::Nothing;
        self.sched.ready.round_robin.add(&mut self.envs, slot);
        self.mirror.status(&mut self.mem, slot, EnvStatus::Runnable);
    }
}

/// Receives a word, and a page with these permissions, 0 if none.
#[inline(always)]
fn put_into_inbox(env: &mut Env, from: EnvId, value: u32, perm: u32) {
    env.inbox = Inbox {
        value,
        from,
        perm,
        ..env.inbox
    };
}
