//! What the kernel tells about whole steps.
//!
//! Other facts are told where they happen, in a line; these need more of the kernel's
//! state to be put together. The hard thing is the same: to cost one test while nobody
//! listens.

use super::{Fact, Running, Watcher};
use crate::event::Event;
use crate::frames::List;
use crate::ids::{CpuId, CpuSet, Slot};
use crate::kernel::Kernel;
use crate::paging::Pte;
use crate::phys::PhysMem;
use crate::step::{Common, Step};
use abi::TrapFrame;
use abi::layout::PTSIZE;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// `cpu` enters the kernel; or an entry that the environment on it had put
    /// off is handled.
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

    /// A step of `cpu` is over. The next one is not taken the short way.
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

    /// What was in limbo is the beginning of the free list.
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

    /// A program was loaded: its pages, and their tables.
    pub(crate) fn tell_loaded(&mut self, slot: Slot) {
        if !self.watcher.is_listening() {
            return;
        }
        let env = &self.envs[slot];
        let mut table = None;
        for (va, entry) in env.space.mappings(&self.mem) {
            let first = va & !(PTSIZE - 1);
            if table != Some(first) {
                table = Some(first);
                let entry = env.space.directory_entry(&self.mem, va);
                self.watcher.hear(env.table_made(va, entry));
            }
            self.watcher.hear(env.mapped(va, Pte::EMPTY, entry));
        }
    }
}
