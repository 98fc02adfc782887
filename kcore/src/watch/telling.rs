//! Facts about whole steps.
//!
//! Other facts take one line where they happen; these need more of the kernel's state.
//! The hard thing is the same: one test must be their whole cost while no watcher
//! listens. So each has a small inlined test and a cold function.

use super::{Fact, Running, Watcher};
use crate::event::Event;
use crate::frames::List;
use crate::ids::{CpuId, CpuSet};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::step::{Common, Step};
use abi::TrapFrame;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Tells that `cpu` entered the kernel, or that the kernel now handles a pending
    /// entry of the environment on it.
    #[inline(always)]
    pub(crate) fn tell_entry(&mut self, cpu: CpuId, event: Event, frame: &TrapFrame) {
        if self.watcher.is_listening() {
            self.say_entered(cpu, event, frame);
        }
    }

    #[cold]
    #[inline(never)]
    fn say_entered(&mut self, cpu: CpuId, event: Event, frame: &TrapFrame) {
        self.watcher.hear(Fact::Entered {
            now: self.now,
            cpu,
            event,
            running: self.running_on(cpu),
            frame: *frame,
        });
    }

    /// Tells that a step of `cpu` has ended. The next step must not go the short way.
    #[inline(always)]
    pub(crate) fn tell_step(&mut self, cpu: CpuId, step: &Step) {
        if self.watcher.is_listening() {
            self.quiet = false;
            self.say_left(cpu, step);
        }
    }

    #[cold]
    #[inline(never)]
    fn say_left(&mut self, cpu: CpuId, step: &Step) {
        let named = |effect| step.common().contains(effect);
        self.watcher.hear(Fact::Left {
            cpu,
            running: self.running_on(cpu),
            idles: matches!(step, Step::Idle(_) | Step::Again(_)),
            asked: self.outbox.remote.filter(|_| named(Common::REMOTE)),
            woken: if named(Common::WAKE) {
                self.outbox.wake
            } else {
                CpuSet::EMPTY
            },
        });
    }

    fn running_on(&self, cpu: CpuId) -> Option<Running> {
        let slot = self.cpus.current(cpu)?;
        let env = &self.envs[slot];
        Some(Running {
            env: env.id,
            personality: env.personality,
            pgdir: env.space.pgdir,
        })
    }

    /// Tells that these frames, from limbo, are free now.
    #[inline(always)]
    pub(crate) fn tell_freed(&mut self, freed: List) {
        if self.watcher.is_listening() {
            self.say_freed(freed);
        }
    }

    #[cold]
    #[inline(never)]
    fn say_freed(&mut self, freed: List) {
        for frame in self.frames.iter_list(freed).take(freed.len as usize) {
            self.watcher.hear(Fact::Freed { frame });
        }
    }
}
