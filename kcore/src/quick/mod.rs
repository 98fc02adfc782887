//! The shortest ways through the kernel: a function for each of the most frequent calls, by
//! which environments talk, pass on their CPU, and change their memory.
//!
//! Such a call nearly always meets the same case: no page goes along, the partner is
//! there, and the CPU goes to one that has run before. Then its step is some words of
//! state and some registers, and the machine has nothing to do but perhaps load another
//! page directory. Each function here is one call in that case, from the caller's
//! registers to the step's end. The hardware half enters them straight from its stubs.
//!
//! The hard thing is that they are no more than shortcuts. Each one looks at everything
//! that could be otherwise before it changes anything, and then declines; so the longer
//! ways (`quiet.rs`, and all of `syscall/` behind it) say what the calls mean. The
//! random driver makes the same steps both ways and compares.

mod fresh;
mod hand_over;
mod messages;
mod pages;
mod yielding;

use crate::event::Event;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::sched::run_queue::RunQueue;
use crate::step::{Step, ToResume, ToSwitch};
use crate::syscall::Caller;
use crate::watch::Watcher;
use abi::{Call, TrapFrame};

/// The same environment continues, and the machine has nothing to do.
pub(crate) const RESUME: Step = Step::Resume(ToResume::empty());
/// The same environment continues, after the translation of one page is flushed.
const FLUSH: Step = Step::Resume(ToResume::FLUSH);
/// The next environment continues, and the machine has nothing else to do.
const SWITCH: Step = Step::Switch(ToSwitch::empty());

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes the step of `event`, a system call, if the number in `frame` means `call` and
    /// that has a quick way which applies; else changes nothing. `now` is asked for the
    /// time only where it matters; the other arguments are those of [`Kernel::step`].
    #[inline(always)]
    pub fn quick_step(
        &mut self,
        call: Call,
        cpu: CpuId,
        now: impl FnOnce() -> u64,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        let slot = self.cpus[cpu].current.get()?;
        let means = self.envs[slot].personality.means(frame.regs.eax, call);
        if !self.quiet || !means {
            return None;
        }
        match call {
            Call::GetEnvId => {
                frame.regs.eax = self.envs[slot].id.0 as u32;
                Some(RESUME)
            }
            // lab: turns, without {
            Call::Yield => self.quick_yield(cpu, slot, now, frame),
            // lab: turns }
            Call::IpcSend => self.quick_send(cpu, slot, now, frame),
            // lab: ipc_recv, without {
            Call::IpcRecv => self.quick_recv(cpu, slot, now, frame),
            // lab: ipc_recv }
            Call::IpcCall => self.quick_ipc_call(cpu, slot, frame),
            Call::IpcReply => self.quick_ipc_reply(cpu, slot, frame),
            // lab: page_alloc, without {
            Call::PageAlloc => self.quick_page_alloc(cpu, slot, frame),
            // lab: page_alloc }
            Call::PageUnmap | Call::PageCopy => {
                self.now = now();
                self.fast = event == Event::FastSyscall;
                Some(self.quiet_handler(Caller { cpu, slot }, call, frame))
            }
            _ => None,
        }
    }

    /// [`Kernel::quick_step`] for whatever call `event` is, if it is one.
    pub(crate) fn quick_event(
        &mut self,
        cpu: CpuId,
        now: u64,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        if !matches!(event, Event::Syscall | Event::FastSyscall) {
            return None;
        }
        let slot = self.cpus.current(cpu)?;
        let call = self.envs[slot].personality.call(frame.regs.eax)?;
        self.quick_step(call, cpu, || now, event, frame)
    }

    /// The environment that gets `cpu` after `slot`, if it can take it over without more
    /// ado. They are two, as nobody on a CPU is in the queue; tested here, because then the
    /// compiler knows it: eight instructions less.
    #[inline(always)]
    fn quick_next(&self, cpu: CpuId, slot: Slot) -> Option<Slot> {
        let next = self.sched.ready.round_robin.next()?;
        (next != slot && self.may_exchange(cpu, next)).then_some(next)
    }
}
