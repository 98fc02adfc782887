//! How environments come and go.
//!
//! The hard thing is death. An environment may die while it runs on another CPU,
//! while its page tables name a million frames, and while it has children that no
//! other environment can start. Its id, status, slot and line change at once. The CPU
//! that runs it is stopped before the killer's call returns. Its address space goes
//! to the [`crate::reaper`]; its stopped children go to a list, from which later
//! entries end them one at a time.

use crate::effects::Effects;
use crate::env::{Env, Wait};
use crate::ids::{CpuId, Link, Slot};
use crate::kernel::Kernel;
use crate::paging::Space;
use crate::phys::PhysMem;
use crate::reaper::Reaper;
use crate::step::Remote;
use crate::watch::{Fact, Tell, Watcher};
use abi::{EnvId, Error};
use core::fmt::Write;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes an address space, of a directory of the dead if there is one. The caller must
    /// have reserved a frame.
    fn new_space(&mut self, cpu: Option<CpuId>) -> Result<Space, Error> {
        if let Some(directory) = self.frames.alloc_directory(&mut self.mem) {
            return Ok(Space::renew(&mut self.mem, directory));
        }
        let directory = match cpu {
            Some(cpu) => self.clean_frame(cpu)?,
            None => self.fresh_frame()?,
        };
        let kernel = self.config.kernel_pgdir;
        Ok(Space::create(&mut self.mem, directory, kernel))
    }

    /// Makes an environment like `pattern`, with an id and an address space of its
    /// own. `current`, which runs on `cpu` unless this is at boot, is printed
    /// as the creator.
    pub(crate) fn create(
        &mut self,
        cpu: Option<CpuId>,
        current: EnvId,
        pattern: Env,
    ) -> Result<Slot, Error> {
        if self.envs.vacant().is_none() {
            self.reap_doomed();
            self.envs.vacant().ok_or(Error::NoFreeEnv)?;
        }
        self.reserve(1)?;
        let space = self.new_space(cpu)?;
        let pattern = Env { space, ..pattern };
        let slot = self.envs.take(&pattern).ok_or(Error::NoFreeEnv)?;
        let id = self.envs[slot].id;
        self.watcher.tell(|| Fact::Born {
            env: id,
            parent: pattern.parent,
            pgdir: space.pgdir,
        });
        self.mirror.born(&mut self.mem, slot, &self.envs[slot]);
        self.print_if_wanted(format_args!("[{:08x}] new env {:08x}\n", current.0, id.0));
        Ok(slot)
    }

    /// Makes an environment runnable, for the first time or again.
    pub(crate) fn start(&mut self, slot: Slot) {
        self.forget_stopped(slot);
        let env = &mut self.envs[slot];
        env.started = true;
        env.runnable = true;
        self.make_ready(slot);
        self.show_status(slot);
    }

    /// Ends an environment. This step runs on `cpu`; `killer` is printed. If the victim
    /// is on `cpu`, the caller must not resume it.
    pub(crate) fn destroy(&mut self, cpu: CpuId, killer: EnvId, slot: Slot) {
        self.take_out_of_queues(slot);
        self.forget_heap_move(slot);
        let env = self.envs[slot];
        if env.ending {
            self.sched.one_less_to_end();
        }
        if let Some(its_cpu) = env.on_cpu {
            self.cpus[its_cpu].current = Link::NONE;
            self.sched.running = self.sched.running.wrapping_sub(1);
            self.drop_fpu(cpu, its_cpu);
            if its_cpu != cpu {
                self.effects |= Effects::REMOTE;
                self.outbox.remote = Some(Remote::Stop(its_cpu));
            }
        }
        if !env.runnable {
            self.forget_stopped(slot);
        }
        if let Some(child) = env.stopped.get() {
            self.doom(child);
        }
        Reaper::keep_marks(&mut self.mem, &self.frames, env.space);
        match env.ran {
            true => self.reaper.add(&mut self.frames, env.space),
            false => self.reaper.append(&mut self.frames, env.space),
        }
        self.free_slot(slot);
        self.watcher.tell(|| Fact::Died {
            env: env.id,
            killer,
            pgdir: env.space.pgdir,
        });
        self.show_status(slot);
        self.print_if_wanted(format_args!(
            "[{:08x}] free env {:08x}\n",
            killer.0, env.id.0
        ));
    }

    /// Takes an environment out of its queues, if it is in any, and ends its wait.
    pub(crate) fn take_out_of_queues(&mut self, slot: Slot) {
        self.disarm(slot);
        let env = &self.envs[slot];
        match env.wait {
            Wait::Nothing if env.is_queued() => self.sched.ready.remove(&mut self.envs, slot),
            Wait::Console => self.sched.console.remove(&mut self.envs, slot),
            Wait::Input => self.sched.input.remove(&mut self.envs, slot),
            Wait::Receiver(target) | Wait::Server(target) => self
                .envs
                .with_senders(target, |senders, envs| senders.remove(envs, slot)),
            Wait::Reply(one) | Wait::MessageOf(one) => self.one_less_depends_on(one),
            Wait::Word(_) => self.leave_word(slot),
            Wait::Nothing | Wait::Message | Wait::Request | Wait::Alarm => {}
        }
        self.envs[slot].wait = Wait::Nothing;
    }

    /// Adds `child`, which only `parent` can start, to the parent's stopped children.
    pub(crate) fn remember_stopped(&mut self, parent: Slot, child: Slot) {
        let first = self.envs[parent].stopped;
        self.envs[child].sibling = first;
        if let Some(first) = first.get() {
            self.envs[first].elder = Link::to(child);
        }
        self.envs[parent].stopped = Link::to(child);
    }

    /// Removes `child` from the list of its parent's stopped children, or from that of
    /// the doomed, if it is in one.
    fn forget_stopped(&mut self, child: Slot) {
        let Env { sibling, elder, .. } = self.envs[child];
        if let Some(younger) = sibling.get() {
            self.envs[younger].elder = elder;
        }
        match elder.get() {
            Some(elder) => self.envs[elder].sibling = sibling,
            None => {
                if let Some(parent) = self.envs.parent_of(child)
                    && self.envs[parent].stopped == Link::to(child)
                {
                    self.envs[parent].stopped = sibling;
                }
            }
        }
        self.envs[child].sibling = Link::NONE;
        self.envs[child].elder = Link::NONE;
    }

    /// Lets later steps end `first` and its siblings one at a time: their parent is
    /// dead, and no other environment may start them.
    fn doom(&mut self, first: Slot) {
        // A stopped child is in no queue, so its queue links are free.
        self.envs[first].next = self.sched.doomed;
        self.sched.doomed = Link::to(first);
    }

    /// Whether `slot` will be ended: it is stopped, and its parent, which alone could
    /// start it, is dead.
    pub fn is_doomed(&self, slot: Slot) -> bool {
        let env = &self.envs[slot];
        env.alive && !env.runnable && self.envs.parent_of(slot).is_none()
    }

    /// Ends one stopped child of a dead parent, if the console has room for its line.
    /// Returns whether it did.
    pub(crate) fn reap_doomed(&mut self) -> bool {
        let Some(slot) = self.sched.doomed.get() else {
            return false;
        };
        if self.console.is_crowded() {
            return false;
        }
        let Env {
            next, sibling, id, ..
        } = self.envs[slot];
        self.sched.doomed = match sibling.get() {
            Some(sibling) => {
                self.envs[sibling].next = next;
                Link::to(sibling)
            }
            None => next,
        };
        self.envs[slot].next = Link::NONE;
        // It is on no CPU, so any number will do.
        self.destroy(CpuId(0), id, slot);
        true
    }

    /// Prints a line about an environment's birth or death, if such lines are wanted.
    pub(crate) fn print_if_wanted(&mut self, line: core::fmt::Arguments<'_>) {
        if self.config.lifecycle {
            // Writing to the ring returns no error.
            let _ = self.console.write_fmt(line);
        }
    }
}
