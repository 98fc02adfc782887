//! Calls about environments: making, starting, stopping and ending them.
//!
//! The hard thing is that the target may be running on another CPU at this
//! moment. Nothing here waits for that CPU: the step asks for it to be stopped,
//! and the call has returned only when it was.

use super::{CallResult, Caller, Outcome};
use crate::env::{Env, Wait};
use crate::event::{Effects, Remote};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::plant::Fault;
use abi::trap::{FLAG_IOPL, FLAG_NT};
use abi::{EnvId, EnvStatus, EnvType, Error, TrapFrame};

impl<M: PhysMem> Kernel<'_, M> {
    pub(super) fn sys_exofork(&mut self, caller: Caller, frame: &TrapFrame) -> CallResult {
        let parent = &self.envs[caller.slot];
        let (id, personality) = (parent.id, parent.personality);
        let mut child_frame = *frame;
        child_frame.eflags &= !(FLAG_IOPL | FLAG_NT);
        child_frame.regs.eax = 0;
        if self.config.plant.is(Fault::ExoforkResult) {
            child_frame.regs.eax = id.0 as u32;
        }
        let pattern = Env {
            parent: id,
            kind: EnvType::User,
            personality,
            frame: child_frame,
            ..Env::default()
        };
        let child = self.create(id, &pattern)?;
        self.remember_unborn(caller.slot, child);
        Ok(Outcome::Done(self.envs[child].id.0 as u32))
    }

    pub(super) fn sys_env_destroy(&mut self, caller: Caller, id: u32) -> CallResult {
        let slot = self.own_env(caller, id)?;
        if self.config.plant.is(Fault::DestroyNothing) {
            return Ok(Outcome::Done(0));
        }
        let own = self.envs[caller.slot].id;
        if slot == caller.slot {
            self.say(format_args!("[{:08x}] exiting gracefully\n", own.0));
            self.destroy(caller.cpu, own, slot);
            return Ok(Outcome::Exit);
        }
        let victim = self.envs[slot].id;
        self.say(format_args!(
            "[{:08x}] destroying {:08x}\n",
            own.0, victim.0
        ));
        self.destroy(caller.cpu, own, slot);
        Ok(Outcome::Done(0))
    }

    pub(super) fn sys_env_set_status(
        &mut self,
        caller: Caller,
        id: u32,
        status: u32,
    ) -> CallResult {
        let slot = self.own_env(caller, id)?;
        let run = match status {
            _ if status == EnvStatus::Runnable as u32 => true,
            _ if status == EnvStatus::NotRunnable as u32 => false,
            _ => return Err(Error::Inval),
        };
        if self.envs[slot].wait == Wait::Message {
            self.cancel_receive(slot);
        }
        match (self.envs[slot].runnable, run) {
            (false, true) => self.start(slot),
            (true, false) => return Ok(self.stop(caller, slot)),
            _ => {}
        }
        Ok(Outcome::Done(0))
    }

    /// Makes a runnable environment not runnable.
    fn stop(&mut self, caller: Caller, slot: crate::env::Slot) -> Outcome {
        self.take_out_of_queues(slot);
        self.envs[slot].runnable = false;
        match self.envs[slot].on_cpu {
            Some(cpu) if cpu == caller.cpu => return Outcome::Stop,
            Some(_) if self.config.plant.is(Fault::SkipStop) => {}
            Some(cpu) => {
                self.effects |= Effects::REMOTE;
                self.outbox.remote = Some(Remote::Stop(cpu));
            }
            None => self.show_status(slot),
        }
        Outcome::Done(0)
    }

    /// Somebody ended an environment's waiting for a message: its `ipc_recv`
    /// fails. It is left not runnable.
    fn cancel_receive(&mut self, slot: crate::env::Slot) {
        let env = &mut self.envs[slot];
        env.wait = Wait::Nothing;
        env.runnable = false;
        env.inbox.from = EnvId::NONE;
        env.inbox.perm = 0;
        env.frame.regs.eax = env.personality.error_value(Error::Inval).wrapping_neg();
        self.mirror.message(&mut self.mem, slot, &self.envs[slot]);
        self.show_status(slot);
    }
}
