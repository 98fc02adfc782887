//! Calls about environments: making, starting, stopping and ending them.
//!
//! The hard thing is that the target may be running on another CPU. No handler waits
//! for that CPU: the step asks to stop it, and the hardware half does so before the
//! call returns.

use super::{CallResult, Caller, Outcome};
use crate::effects::Effects;
use crate::env::{Env, Exceptions, Progress, Wait};
use crate::ids::Slot;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::step::Remote;
use crate::usermem;
use crate::watch::Watcher;
use abi::exception::DELIVERABLE;
use abi::trap::{FLAG_IOPL, FLAG_NT};
use abi::{EnvStatus, EnvType, Error, Personality, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    pub(super) fn sys_exofork(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        // lab: exofork {
        let parent = &self.envs[caller.slot];
        let id = parent.id;
        let mut child_frame = *frame;
        child_frame.eflags &= !(FLAG_IOPL | FLAG_NT);
        child_frame.regs.eax = 0;
        let pattern = Env {
            parent: id,
            parent_birth: parent.birth,
            kind: EnvType::User,
            personality: parent.personality,
            frame: child_frame,
            heap_start: parent.heap_start,
            heap_end: parent.heap_end,
            job: parent.job,
            priority: parent.priority,
            shares: parent.shares,
            ..Env::default()
        };
        let child = self.create(Some(caller.cpu), id, pattern)?;
        self.remember_stopped(caller.slot, child);
        Ok(Outcome::Done(self.envs[child].id.0 as u32))
        // lab: exofork }
    }

    pub(super) fn sys_env_destroy(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [id, ..] = frame.arguments();
        let slot = self.own_env(caller, id)?;
        let own = self.envs[caller.slot].id;
        if slot == caller.slot {
            self.print_if_wanted(format_args!("[{:08x}] exiting gracefully\n", own.0));
            self.destroy(caller.cpu, own, slot);
            return Ok(Outcome::Exit);
        }
        self.destroy_other(caller, slot);
        Ok(Outcome::Done(0))
    }

    /// Ends another environment for the caller, and prints a line about that.
    pub(super) fn destroy_other(&mut self, caller: Caller, slot: Slot) {
        let (own, victim) = (self.envs[caller.slot].id, self.envs[slot].id);
        self.print_if_wanted(format_args!(
            "[{:08x}] destroying {:08x}\n",
            own.0, victim.0
        ));
        self.destroy(caller.cpu, own, slot);
    }

    pub(super) fn sys_env_set_status(
        &mut self,
        caller: Caller,
        frame: &mut TrapFrame,
    ) -> CallResult {
        // lab: env_set_status {
        let [id, status, ..] = frame.arguments();
        let slot = self.lasting_env(caller, id)?;
        let run = match status {
            _ if status == EnvStatus::Runnable as u32 => true,
            _ if status == EnvStatus::NotRunnable as u32 => false,
            _ => return Err(Error::Inval),
        };
        let cancelled = !matches!(self.envs[slot].wait, Wait::Nothing | Wait::Console);
        if cancelled {
            self.cancel_wait(slot);
        }
        match (self.envs[slot].runnable, run) {
            (false, true) => self.start(slot),
            (true, false) => return Ok(self.stop(caller, slot)),
            (false, false) if cancelled => self.remember_stopped(caller.slot, slot),
            _ => {}
        }
        Ok(Outcome::Done(0))
        // lab: env_set_status }
    }

    pub(super) fn sys_env_set_pgfault_upcall(
        &mut self,
        caller: Caller,
        frame: &mut TrapFrame,
    ) -> CallResult {
        let [id, entry, ..] = frame.arguments();
        let slot = self.own_env(caller, id)?;
        self.envs[slot].upcall = entry;
        self.mirror.upcall(&mut self.mem, slot, &self.envs[slot]);
        Ok(Outcome::Done(0))
    }

    /// Names the handler of the exceptions whose bits are set in a mask. The handler's
    /// address is not checked, as with page faults.
    pub(super) fn sys_env_set_exception_upcall(
        &mut self,
        caller: Caller,
        frame: &mut TrapFrame,
    ) -> CallResult {
        let [id, entry, mask, ..] = frame.arguments();
        let slot = self.own_env(caller, id)?;
        if mask & !DELIVERABLE != 0 {
            return Err(Error::Inval);
        }
        self.envs[slot].exceptions = Exceptions { entry, mask };
        Ok(Outcome::Done(0))
    }

    pub(super) fn sys_env_set_personality(
        &mut self,
        caller: Caller,
        frame: &mut TrapFrame,
    ) -> CallResult {
        let [id, number, ..] = frame.arguments();
        let slot = self.own_env(caller, id)?;
        let personality = Personality::from_number(number).ok_or(Error::Inval)?;
        if self.envs[slot].ran {
            return Err(Error::Inval);
        }
        self.envs[slot].personality = personality;
        Ok(Outcome::Done(0))
    }

    /// Replaces the registers of the caller, or of a child that is on no CPU.
    pub(super) fn sys_env_set_trapframe(
        &mut self,
        caller: Caller,
        frame: &mut TrapFrame,
    ) -> CallResult {
        let [id, va, ..] = frame.arguments();
        let space = self.envs[caller.slot].space;
        let words = match usermem::read_words(&mut self.mem, space, va) {
            Ok(words) => words,
            Err(bad) => return Ok(Outcome::Bad(bad)),
        };
        let new = TrapFrame::from_words(words).sanitised();
        let slot = self.own_env(caller, id)?;
        if slot == caller.slot {
            *frame = new;
            return Ok(Outcome::Done(0));
        }
        if self.envs[slot].on_cpu.is_some() {
            return Err(Error::Inval);
        }
        self.abandon_call(slot);
        self.envs[slot].frame = new;
        if !self.envs[slot].ran {
            self.mirror.registers(&mut self.mem, slot, &new);
        }
        Ok(Outcome::Done(0))
    }

    /// Drops an environment's pending entry to the kernel, because its new registers
    /// make it continue elsewhere.
    pub(super) fn abandon_call(&mut self, slot: Slot) {
        self.envs[slot].pending = None;
        self.forget_heap_move(slot);
        self.envs[slot].progress = Progress::None;
        if self.envs[slot].wait == Wait::Console {
            self.take_out_of_queues(slot);
            self.make_ready(slot);
        }
    }

    /// Makes a runnable environment not runnable.
    fn stop(&mut self, caller: Caller, slot: Slot) -> Outcome {
        if slot == caller.slot {
            self.take_out_of_queues(slot);
            self.envs[slot].runnable = false;
            return self.stop_caller(caller);
        }
        self.stop_child(caller, slot);
        Outcome::Done(0)
    }

    /// Makes a runnable child not runnable. If it is on a CPU, that happens before the
    /// call returns, or is made again.
    pub(super) fn stop_child(&mut self, caller: Caller, slot: Slot) {
        self.take_out_of_queues(slot);
        self.envs[slot].runnable = false;
        self.remember_stopped(caller.slot, slot);
        match self.envs[slot].on_cpu {
            Some(cpu) => {
                self.effects |= Effects::REMOTE;
                self.outbox.remote = Some(Remote::Stop(cpu));
            }
            None => self.show_status(slot),
        }
    }

    /// Finishes the caller's wish to be not runnable. If its parent, which alone could
    /// start it again, is dead, it ends.
    fn stop_caller(&mut self, caller: Caller) -> Outcome {
        let id = self.envs[caller.slot].id;
        match self.envs.parent_of(caller.slot) {
            Some(parent) => {
                self.remember_stopped(parent, caller.slot);
                Outcome::Stop
            }
            None => {
                self.destroy(caller.cpu, id, caller.slot);
                Outcome::Exit
            }
        }
    }

    /// Ends an environment's wait: its call fails, and it is not runnable any more.
    pub(super) fn cancel_wait(&mut self, slot: Slot) {
        self.give_up_wait(slot);
        self.envs[slot].runnable = false;
        self.envs[slot].frame.regs.eax = self.failure(slot, Error::Inval);
        self.show_status(slot);
    }
}
