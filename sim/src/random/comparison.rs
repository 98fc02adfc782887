//! Everything that programs can tell, compared between kernel and model.
//!
//! The hard thing is to compare meaning, not numbers: the model knows pages,
//! the kernel frames, and any one-to-one relation between them will do.

use super::{Driver, Mismatch};
use crate::audit;
use crate::checks::Violation;
use crate::machine::{Machine, Mode};
use crate::memory::Memory;
use crate::mmu::walk;
use crate::model::{Env, Life, Page};
use abi::env::PUBLIC_ENV_STRIDE;
use abi::layout::{PGSIZE, UTOP};
use abi::page_info::{PAGE_INFO_REFS, PAGE_INFO_STRIDE};
use abi::trap::TRAP_FRAME_WORDS;
use abi::{EnvId, EnvStatus, PageRange, PublicEnv};
use kcore::env::Slot;
use kcore::{CpuId, Event, Pfn, PhysMem};
use std::collections::{BTreeMap, BTreeSet};
use std::mem::offset_of;

impl Driver<'_> {
    /// Checks that a page that was just allocated is zero.
    pub(super) fn check_fresh(&self, caller: u32, [id, va, ..]: [u32; 5]) -> Result<(), Mismatch> {
        let id = if id == 0 { caller } else { id };
        let frame = self.frame_at(id, va);
        let zero = self.machine.kernel.memory().frame(frame);
        if zero.iter().all(|&word| word == 0) {
            Ok(())
        } else {
            Err(Mismatch::State(format!("page {va:#x} is not zero")))
        }
    }

    /// Checks that a page that was just copied is like what was copied.
    pub(super) fn check_copied(
        &self,
        caller: u32,
        [_, _, to, place, _]: [u32; 5],
        copied: &[u32],
    ) -> Result<(), Mismatch> {
        let va = place - place % PGSIZE;
        let to = if to == 0 { caller } else { to };
        let frame = self.frame_at(to, va);
        if self.machine.kernel.memory().frame(frame) == copied {
            Ok(())
        } else {
            Err(Mismatch::State(format!("page {va:#x} is no copy")))
        }
    }

    /// Checks what the last `page_ranges` noted in its list.
    pub(super) fn check_progress(&self, caller: u32, list: u32) -> Result<(), Mismatch> {
        for (index, &wanted) in (0..).zip(&self.model.progress) {
            let at = list + index * PageRange::SIZE + PageRange::PROGRESS;
            let noted = self.words_at(caller, at);
            if noted != wanted {
                return Err(Mismatch::State(format!(
                    "entry {index} notes {noted:x?}, not {wanted:x?}"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn frame_at(&self, id: u32, va: u32) -> Pfn {
        let space = self.machine.kernel.envs()[slot_of(id)].space;
        let memory = self.machine.kernel.memory();
        walk(memory, space.pgdir, va).map_or(Pfn(0), |found| found.frame)
    }

    pub(super) fn compare(&mut self) -> Result<(), Mismatch> {
        self.reap();
        self.note_heaps();
        self.compare_obituaries()?;
        if self.machine.end.is_some() {
            self.statistics.ends += 1;
            return self.compare_census();
        }
        self.machine.check()?;
        self.poison
            .check(&mut self.machine)
            .map_err(|frame| Mismatch::State(format!("free frame {frame:#x} was written")))?;
        self.compare_envs()?;
        self.compare_counts()?;
        self.compare_results()
    }

    /// At the end only environments that wait for messages may be left, and nothing
    /// of the dead.
    fn compare_census(&mut self) -> Result<(), Mismatch> {
        self.machine.audit().map_err(Violation::Audit)?;
        let (alive, used) = audit::census(&self.machine.kernel);
        if (alive, used as usize) == (self.model.envs.len(), self.model.used()) {
            Ok(())
        } else {
            Err(Mismatch::State(format!(
                "{alive} alive, {used} frames left"
            )))
        }
    }

    /// Tells the model how far each heap has got: the length of a piece is the kernel's
    /// affair.
    fn note_heaps(&mut self) {
        let ids: Vec<u32> = self.model.envs.keys().copied().collect();
        for id in ids {
            let end = self.machine.kernel.envs()[slot_of(id)].heap_end;
            self.model.heap_got_to(id, end);
        }
    }

    /// Lets never-started children of dead environments end, which they do at once in
    /// the model.
    fn reap(&mut self) {
        let living = |machine: &Machine<'_>| {
            let envs = machine.kernel.envs();
            envs.used().filter(|&slot| envs[slot].alive).count()
        };
        while living(&self.machine) > self.model.envs.len()
            && self.machine.kernel.has_leftovers()
            && self.machine.end.is_none()
        {
            // A CPU that is already on its way into the kernel does it too.
            let on_the_way = |cpu: &CpuId| matches!(self.machine.cpu(*cpu).mode, Mode::Waiting(_));
            let modes = [Mode::User, Mode::Idle];
            let free = |cpu: &CpuId| modes.contains(&self.machine.cpu(*cpu).mode);
            if let Some(cpu) = self.machine.cpu_ids().find(on_the_way) {
                self.machine.enter(cpu);
                self.machine.complete();
            } else if let Some(cpu) = self.machine.cpu_ids().find(free) {
                self.machine.run_event(cpu, Event::Wake);
            }
        }
    }

    fn compare_envs(&self) -> Result<(), Mismatch> {
        let envs = self.machine.kernel.envs();
        let mut frames: BTreeMap<u64, Pfn> = BTreeMap::new();
        for (&id, wanted) in &self.model.envs {
            let env = &envs[slot_of(id)];
            if !env.alive || env.id != EnvId(id as i32) {
                return Err(Mismatch::State(format!("{id:08x} is not alive")));
            }
            let status = if env.on_cpu.is_some() {
                EnvStatus::Runnable
            } else {
                env.status()
            };
            if status != self.model.status(id) {
                return Err(Mismatch::State(format!("{id:08x} is {status:?}")));
            }
            if (env.priority.into(), env.shares.into()) != wanted.scheduling {
                return Err(Mismatch::State(format!("{id:08x} has other numbers")));
            }
            self.compare_public(id, wanted)?;
            let mut wanted_pages = wanted.pages.iter();
            for (va, entry) in mappings(self.machine.kernel.memory(), env.space.pgdir) {
                let agrees = wanted_pages.next().is_some_and(|(&wanted_va, page)| {
                    let &Page { content, perm } = page;
                    let frame = *frames.entry(content).or_insert(Pfn(entry >> 12));
                    wanted_va == va && perm == entry & !USAGE & 0xfff && frame.0 == entry >> 12
                });
                if !agrees {
                    return Err(Mismatch::State(format!("{id:08x} maps {va:#x} {entry:x?}")));
                }
            }
            if let Some((va, _)) = wanted_pages.next() {
                return Err(Mismatch::State(format!("{id:08x} lost {va:#x}")));
            }
        }
        let distinct: BTreeSet<Pfn> = frames.values().copied().collect();
        if distinct.len() != frames.len() {
            return Err(Mismatch::State("two pages in one frame".into()));
        }
        // Pages of a dead environment count until its address space is taken apart.
        if self.machine.kernel.has_leftovers() {
            return Ok(());
        }
        let counts = self.model.counts();
        for (content, frame) in frames {
            if self.machine.kernel.frames().count(frame) as usize != counts[&content] {
                return Err(Mismatch::State(format!("count of frame {:#x}", frame.0)));
            }
        }
        Ok(())
    }

    /// Compares the entry of `id` in the public table of environments.
    fn compare_public(&self, id: u32, wanted: &Env) -> Result<(), Mismatch> {
        let table = self.machine.kernel.config().uenvs;
        let entry = table + u32::from(slot_of(id).0) * PUBLIC_ENV_STRIDE;
        let read = |offset: usize| self.machine.kernel.memory().read(entry + offset as u32);
        let message = (
            read(offset_of!(PublicEnv, ipc_value)),
            read(offset_of!(PublicEnv, ipc_from)),
            read(offset_of!(PublicEnv, ipc_perm)),
        );
        let receiving = match wanted.life {
            Life::Receives(va) | Life::Expects(_, va) => [1, va],
            _ => [0, read(offset_of!(PublicEnv, ipc_dstva))],
        };
        let agrees = message == wanted.message
            && read(offset_of!(PublicEnv, pgfault_upcall)) == wanted.upcall
            && read(offset_of!(PublicEnv, ipc_recving)) == receiving[0]
            && read(offset_of!(PublicEnv, ipc_dstva)) == receiving[1];
        let shown = (0..).step_by(4).map(read).take(TRAP_FRAME_WORDS);
        let registers = match wanted.life {
            Life::Unborn => wanted.frame.words(),
            _ => std::array::from_fn(|index| read(index * 4)),
        };
        if agrees && shown.eq(registers) {
            Ok(())
        } else {
            Err(Mismatch::State(format!("public table of {id:08x}")))
        }
    }

    /// Compares the public table of frames with the kernel's counts.
    fn compare_counts(&self) -> Result<(), Mismatch> {
        let kernel = &self.machine.kernel;
        let table = kernel.config().upages;
        for frame in self.machine.usable() {
            let entry = table + frame * PAGE_INFO_STRIDE + PAGE_INFO_REFS;
            if kernel.memory().read(entry) != kernel.frames().count(Pfn(frame)) {
                return Err(Mismatch::State(format!("public count of {frame:#x}")));
            }
        }
        Ok(())
    }

    /// Checks that every running environment has its own registers, with the result
    /// of its last call.
    fn compare_results(&self) -> Result<(), Mismatch> {
        for cpu in self.running_cpus() {
            let id = self.env_on(cpu);
            let frame = &self.machine.cpu(cpu).frame;
            let wanted = &self.model.envs[&id].frame;
            if frame != wanted {
                return Err(Mismatch::State(format!("{id:08x} got {frame:x?}")));
            }
        }
        Ok(())
    }
}

/// Accessed and dirty: the processor sets these bits, not the kernel.
const USAGE: u32 = 0x60;

/// The page-table entries below UTOP that are not 0, with their addresses.
fn mappings(memory: &Memory, directory: Pfn) -> impl Iterator<Item = (u32, u32)> {
    let set = |frame: Pfn| {
        let entries = (0..).zip(memory.frame(frame).iter().copied());
        entries.filter(|&(_, entry)| entry != 0)
    };
    set(directory)
        .take_while(|&(index, _)| index < UTOP >> 22)
        .flat_map(move |(upper, table)| {
            set(Pfn(table >> 12)).map(move |(lower, entry)| (upper << 22 | lower << 12, entry))
        })
}

pub(super) fn slot_of(id: u32) -> Slot {
    Slot(EnvId(id as i32).slot() as u16)
}
