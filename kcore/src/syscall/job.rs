//! Jobs: environments that are ended together, however they multiplied.
//!
//! JOS lets an environment end its children, not their children. So whoever runs
//! programs for people cannot clean up after one. A job is the way: its creator
//! puts a child in it before the child runs, every descendant is born into it,
//! none can leave it, and its creator can end all of it.
//!
//! The hard thing is a job of a thousand members that makes more of them while it
//! is being ended. A call ends a bounded number and says how many are left. But
//! the first such call marks all of them, and who is marked ends by itself where
//! it would enter the kernel or get a CPU: so no member makes a child any more,
//! or learns by a call that others are gone.

use super::{CallResult, Caller, Outcome};
use crate::effects::Effects;
use crate::effects::Next;
use crate::env::{Env, Job, Wait};
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::{EnvId, Error, TrapFrame};

/// Members that one call ends at the most: the lines that say so must fit in what
/// the console reserves for one step, see [`crate::console::KERNEL_SHARE`].
const BATCH: u32 = 8;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    pub(super) fn sys_job_create(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [id, ..] = frame.arguments();
        let child = self.own_env(caller, id)?;
        let creator = &self.envs[caller.slot];
        // What a member makes stays in its job, or it could hide there.
        let is_member = creator.job.id != EnvId::NONE;
        if child == caller.slot || is_member || self.envs[child].ran {
            return Err(Error::Inval);
        }
        self.envs[child].job = Job {
            id: self.envs[child].id,
            owner: self.envs[caller.slot].birth,
            ending: false,
        };
        Ok(Outcome::Done(0))
    }

    pub(super) fn sys_job_size(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [job, ..] = frame.arguments();
        let members = self
            .envs
            .used()
            .filter(|&slot| self.is_member(caller, job, slot));
        Ok(Outcome::Done(members.count() as u32))
    }

    pub(super) fn sys_job_destroy(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [job, ..] = frame.arguments();
        let (mut ended, mut left) = (0, 0);
        for slot in self.envs.used() {
            if !self.is_member(caller, job, slot) {
                continue;
            }
            self.mark_for_its_end(slot);
            if ended < BATCH && self.may_end_now(caller, slot) {
                self.end_member(caller, slot);
                ended += 1;
            } else {
                left += 1;
            }
        }
        Ok(Outcome::Done(left))
    }

    /// Whether `slot` has a living member of the job that the caller made and
    /// that has this name.
    fn is_member(&self, caller: Caller, job: u32, slot: Slot) -> bool {
        let env = &self.envs[slot];
        let owner = self.envs[caller.slot].birth;
        env.alive && env.job.owner == owner && env.job.id == EnvId(job as i32)
    }

    /// A member is to end, also if this call is never made again: whatever it
    /// waits for, its turn for a CPU comes, and it ends instead. What it has begun
    /// comes to nothing.
    fn mark_for_its_end(&mut self, slot: Slot) {
        let Env {
            job,
            on_cpu,
            wait,
            runnable,
            ..
        } = self.envs[slot];
        if job.ending {
            return;
        }
        self.envs[slot].job.ending = true;
        self.sched.ending = self.sched.ending.wrapping_add(1);
        if on_cpu.is_some() || self.is_doomed(slot) {
            return;
        }
        if !runnable {
            self.start(slot);
        } else if wait != Wait::Nothing {
            self.take_out_of_queues(slot);
            self.make_ready(slot);
            self.show_status(slot);
        }
    }

    /// A marked member, on this CPU, ends instead of whatever it was about to do.
    #[cold]
    pub(crate) fn end_marked(&mut self, cpu: CpuId, slot: Slot) -> Next {
        let id = self.envs[slot].id;
        self.destroy(cpu, id, slot);
        Next::Later
    }

    /// A marked member, in the run queue, ends instead of getting this CPU; or waits
    /// until there is room to say so.
    #[cold]
    pub(crate) fn end_instead(&mut self, cpu: CpuId, slot: Slot) {
        if self.console.is_crowded() {
            self.take_out_of_queues(slot);
            return self.queue_for_console(slot);
        }
        let id = self.envs[slot].id;
        self.destroy(cpu, id, slot);
    }

    /// One step can stop one other CPU. Children of the dead that were never
    /// started end by themselves.
    fn may_end_now(&self, caller: Caller, slot: Slot) -> bool {
        let elsewhere = self.envs[slot].on_cpu.is_some_and(|cpu| cpu != caller.cpu);
        let cannot_stop = elsewhere && self.effects.contains(Effects::REMOTE);
        !cannot_stop && !self.is_doomed(slot)
    }

    fn end_member(&mut self, caller: Caller, slot: Slot) {
        let (own, victim) = (self.envs[caller.slot].id, self.envs[slot].id);
        self.print_if_wanted(format_args!(
            "[{:08x}] destroying {:08x}\n",
            own.0, victim.0
        ));
        self.destroy(caller.cpu, own, slot);
    }
}
