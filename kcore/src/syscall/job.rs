//! Jobs: sets of environments that are ended together.
//!
//! In JOS an environment can end its children, but not their children, so a shell
//! cannot clean up after a program. A job makes that possible. Its creator puts a
//! child in it before the child runs; all descendants are born into it and cannot
//! leave it; and the creator can end them all.
//!
//! The hard thing is a job of a thousand members that make more of them while it is
//! being ended. A call ends a bounded number of members and returns how many are
//! left. But the first such call marks them all, and a marked member ends by itself
//! as soon as it enters the kernel or would get a CPU; the next steps wake those that
//! wait, a bounded number each. So no member makes another child, or learns from a
//! call that others are dead.

use super::{CallResult, Caller, Outcome};
use crate::effects::{Effects, Next};
use crate::env::{Job, Wait};
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::{EnvId, Error, TrapFrame};

/// One call ends at most this many members: their lines must fit in the part of the
/// console that one step may fill, see [`crate::console::KERNEL_SHARE`].
const BATCH: u32 = 8;

/// One step looks in at most so many slots for marked members that wait.
const SWEEP: u32 = 64;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    pub(super) fn sys_job_create(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [id, ..] = frame.arguments();
        let child = self.own_env(caller, id)?;
        let creator = &self.envs[caller.slot];
        // A member's children must stay in its job, or a new job could hide them.
        let is_member = creator.job.id != EnvId::NONE;
        if child == caller.slot || is_member || self.envs[child].ran {
            return Err(Error::Inval);
        }
        self.envs[child].job = Job {
            id: self.envs[child].id,
            owner: self.envs[caller.slot].birth,
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
            self.mark_ending(slot);
            // To find those who wait for it is as much as to end many.
            let heavy = ended < BATCH && self.envs[slot].callers > 0;
            let most = if heavy { 0 } else { BATCH - 1 };
            if ended <= most && self.may_end_now(caller, slot) {
                self.destroy_other(caller, slot);
                ended += if heavy { BATCH } else { 1 };
            } else {
                left += 1;
            }
        }
        Ok(Outcome::Done(left))
    }

    /// Whether `slot` is a living member of the job with this name, and the caller made
    /// that job.
    fn is_member(&self, caller: Caller, job: u32, slot: Slot) -> bool {
        let env = &self.envs[slot];
        let owner = self.envs[caller.slot].birth;
        env.alive && env.job.owner == owner && env.job.id == EnvId(job as i32)
    }

    /// Marks a member, so that it ends even if the caller never calls again. It does not
    /// finish a pending entry.
    fn mark_ending(&mut self, slot: Slot) {
        if self.envs[slot].ending {
            return;
        }
        self.envs[slot].ending = true;
        self.sched.ending = self.sched.ending.wrapping_add(1);
        self.sched.unswept = self.envs.state.used;
    }

    /// Looks in a bounded number of slots for marked members that wait for something or
    /// are stopped. They enter the run queue, and end instead of getting a CPU.
    pub(crate) fn sweep_marked(&mut self) {
        for _ in 0..SWEEP {
            let Some(slot) = self.sched.unswept.checked_sub(1) else {
                return;
            };
            self.sched.unswept = slot;
            self.wake_if_marked(Slot(slot));
        }
    }

    fn wake_if_marked(&mut self, slot: Slot) {
        let env = &self.envs[slot];
        if !env.ending || env.on_cpu.is_some() {
            return;
        }
        if !env.runnable {
            if !self.is_doomed(slot) {
                self.start(slot);
            }
        } else if env.wait != Wait::Nothing {
            self.take_out_of_queues(slot);
            self.make_ready(slot);
            self.show_status(slot);
        }
    }

    /// Ends a marked member on this CPU, instead of handling its event.
    #[cold]
    pub(crate) fn end_marked(&mut self, caller: Caller) -> Next {
        let id = self.envs[caller.slot].id;
        self.destroy(caller.cpu, id, caller.slot);
        Next::Later
    }

    /// Ends a marked member in the run queue, instead of giving it this CPU; or lets it
    /// wait until the console has room for its line.
    #[cold]
    pub(crate) fn end_instead(&mut self, cpu: CpuId, slot: Slot) {
        if self.console.is_crowded() {
            self.take_out_of_queues(slot);
            return self.queue_for_console(slot);
        }
        let id = self.envs[slot].id;
        self.destroy(cpu, id, slot);
    }

    /// Whether this step can end `slot`. A step can stop only one other CPU, and doomed
    /// environments end by themselves.
    fn may_end_now(&self, caller: Caller, slot: Slot) -> bool {
        let elsewhere = self.envs[slot].on_cpu.is_some_and(|cpu| cpu != caller.cpu);
        let cannot_stop = elsewhere && self.effects.contains(Effects::REMOTE);
        !cannot_stop && !self.is_doomed(slot)
    }
}
