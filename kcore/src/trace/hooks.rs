//! What the kernel's layers call when a trace is kept.
//!
//! The hard thing is to say when an environment gets a CPU. It is one fact in
//! several places (a switch, a switch to one that has an entry to finish first,
//! a stop), so it is not traced where it is decided: whenever something is
//! traced on a CPU that has another environment than the records say, that is
//! a record of its own.

use super::record::Start;
use super::{Cause, Mapping, Trace, What};
use crate::cpu::{CpuId, MAX_CPUS};
use crate::env::{Env, Slot};
use crate::event::Event;
use crate::kernel::Kernel;
use crate::paging::{Pte, UserPage};
use crate::phys::PhysMem;
use crate::step::{Common, Remote, Step};
use abi::layout::PTSIZE;
use abi::{EnvId, Personality, TrapFrame};

impl<M: PhysMem> Kernel<'_, M> {
    /// `cpu` enters the kernel, with the environment that is on it, if there is
    /// one; or an entry of that one is handled that was put off.
    #[cold]
    pub(crate) fn trace_entry(&mut self, cpu: CpuId, event: Event, frame: &TrapFrame) {
        let env = self.cpus.current(cpu).map(|slot| &self.envs[slot]);
        let personality = env.map_or(Personality::default(), |env| env.personality);
        let cause = Cause::of(event, personality, frame);
        self.trace.start = Start::new(self.now, cpu, cause);
        self.trace.env = env.map_or(EnvId::NONE, |env| env.id);
        let eip = env.map_or(0, |_| frame.eip);
        self.trace_presence(cpu);
        let regs = &frame.regs;
        let arguments = match event {
            Event::Syscall | Event::FastSyscall => [regs.edx, regs.ecx, regs.ebx],
            Event::PageFault { va } => [va, frame.err, 0],
            Event::Exception => [frame.err, 0, 0],
            _ => [0; 3],
        };
        self.trace.put(What::Entered { eip, arguments });
    }

    /// A step of `cpu` is over.
    #[cold]
    pub(crate) fn trace_exit(&mut self, cpu: CpuId, step: &Step) {
        if step.common().contains(Common::REMOTE) {
            match self.outbox.remote {
                Some(Remote::Flush(cpu)) => self.trace.put(What::Flushes { cpu }),
                Some(Remote::Stop(cpu)) => self.trace.put(What::Stops { cpu }),
                None => {}
            }
        }
        if step.common().contains(Common::WAKE) {
            let cpus = self.outbox.wake;
            self.trace.put(What::Wakes { cpus });
        }
        self.trace_presence(cpu);
        if matches!(step, Step::Idle(_) | Step::Again(_)) {
            self.trace.put_for(EnvId::NONE, What::Idled);
        }
    }

    /// Traces a switch, if `cpu` has another environment than the records say.
    fn trace_presence(&mut self, cpu: CpuId) {
        let present = self.cpus.current(cpu).map(|slot| &self.envs[slot]);
        let id = present.map_or(EnvId::NONE, |env| env.id);
        let known = self.trace.on_cpu(cpu);
        if *known == id {
            return;
        }
        *known = id;
        if let Some(env) = present {
            let pgdir = env.space.pgdir;
            self.trace.put_for(id, What::Switched { pgdir });
        }
    }

    /// Another CPU has given up the environment in `slot`, which lives on.
    #[cold]
    pub(crate) fn trace_parked(&mut self, cpu: CpuId, slot: Slot, frame: &TrapFrame) {
        *self.trace.on_cpu(cpu) = EnvId::NONE;
        let (env, eip) = (self.envs[slot].id, frame.eip);
        self.trace.put(What::Parked { cpu, env, eip });
    }

    /// The entry for the page at `va`, which is at `slot`, is about to be replaced.
    #[cold]
    pub(crate) fn trace_replaced(&mut self, target: Slot, va: u32, slot: u32, new: Pte) {
        let old = Pte(self.mem.read(slot));
        let mapping = |entry| mapping_in(&self.envs[target], va, entry);
        let (old, new) = (mapping(old), mapping(new));
        if old.entry.is_present() {
            self.trace.put(What::Removed(old));
        }
        if new.entry.is_present() {
            self.trace.put(What::Inserted(new));
        }
    }

    /// A message is in the inbox of `target`.
    #[cold]
    pub(crate) fn trace_delivered(&mut self, target: Slot) {
        let Env { id, inbox, .. } = self.envs[target];
        self.trace.put(What::Delivered {
            to: id,
            from: inbox.from,
            value: inbox.value,
            perm: inbox.perm,
        });
    }

    /// Makes the page table for `page`, if there is none and memory for one.
    #[cold]
    pub(crate) fn trace_table(&mut self, target: Slot, page: UserPage) {
        let space = self.envs[target].space;
        if space.missing_tables(&self.mem, page) == 0
            || space
                .ensure_table(&mut self.mem, &mut self.frames, page)
                .is_err()
        {
            return;
        }
        let entry = space.directory_entry(&self.mem, page.va());
        let va = page.va() & !(PTSIZE - 1);
        let made = mapping_in(&self.envs[target], va, entry);
        self.trace.put(What::TableMade(made));
    }

    /// The pages that an environment was loaded with, and their tables.
    #[cold]
    pub(crate) fn trace_loaded(&mut self, slot: Slot) {
        let space = self.envs[slot].space;
        let mut table = None;
        for (va, entry) in space.mappings(&self.mem) {
            let first = va & !(PTSIZE - 1);
            if table != Some(first) {
                table = Some(first);
                let entry = space.directory_entry(&self.mem, va);
                let made = mapping_in(&self.envs[slot], first, entry);
                self.trace.put(What::TableMade(made));
            }
            let page = mapping_in(&self.envs[slot], va, entry);
            self.trace.put(What::Inserted(page));
        }
    }

    /// The frames that are about to be freed.
    #[cold]
    pub(crate) fn trace_limbo(&mut self) {
        for frame in self.frames.iter_list(self.frames.state.limbo) {
            self.trace.put(What::Freed { frame });
        }
    }
}

/// A mapping of an environment's.
fn mapping_in(env: &Env, va: u32, entry: Pte) -> Mapping {
    Mapping {
        env: env.id,
        va,
        entry: entry.without_usage(),
        pgdir: env.space.pgdir,
    }
}

impl Trace<'_> {
    fn on_cpu(&mut self, cpu: CpuId) -> &mut EnvId {
        &mut self.on_cpu[cpu.0 as usize % MAX_CPUS]
    }
}
