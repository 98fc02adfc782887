//! Random programs against the kernel and the model at once.
//!
//! A [`Driver`] turns random words into system calls of several environments on
//! several CPUs, makes each on a simulated machine and on the model, and
//! compares everything that programs can tell, after every call. The hard thing
//! is a good mix: arguments that are mostly sensible, so that something
//! happens, and often enough just wrong.

use crate::checks::Violation;
use crate::machine::call::{Answer, set_call};
use crate::machine::{Machine, Mode, Spec, Store};
use crate::memory::Memory;
use crate::mmu::walk;
use crate::model::{Expected, Life, Model, Page};
use crate::poison::Poison;
use abi::layout::{PGSIZE, ULIM, UPAGES, USTACKTOP, UTOP, UVPT};
use abi::page_info::{PAGE_INFO_REFS, PAGE_INFO_STRIDE};
use abi::{Call, EnvId, EnvStatus, Error, Personality};
use kcore::audit;
use kcore::env::{Env, Slot};
use kcore::frames::Frame;
use kcore::kernel::State;
use kcore::{CpuId, Event, Pfn, PhysMem};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Random words for one action.
pub type Words = [u32; 8];

/// More environments than this are not made.
const CROWD: usize = 9;

/// What the kernel and the model, or an invariant, disagree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A check failed.
    Violation(Violation),
    /// A call came to something else than it must.
    Answer {
        /// The call.
        call: Call,
        /// Its arguments.
        arguments: [u32; 5],
        /// What the model says.
        expected: Expected,
        /// What the kernel did.
        answer: Answer,
    },
    /// A call failed, and yet something is not as it was.
    FailureChanged(Call),
    /// Something that a program can see differs.
    State(String),
}

impl From<Violation> for Mismatch {
    fn from(violation: Violation) -> Mismatch {
        Mismatch::Violation(violation)
    }
}

/// How often what happened.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Calls made.
    pub calls: u64,
    /// Calls that changed the kernel's state.
    pub changes: u64,
    /// Sum over the calls of how many environments were alive.
    pub alive: u64,
    /// Calls made while no frame was to be had, and failed for that.
    pub starved: u64,
    /// Runs that ended because nothing was left to run.
    pub ends: u64,
    /// Calls by what they came to: 0 for success, else the error.
    pub results: BTreeMap<(&'static str, u32), u64>,
}

/// A machine, a model of it, and what happened.
pub struct Driver<'t> {
    /// The machine.
    pub machine: Machine<'t>,
    model: Model,
    poison: Poison,
    /// What happened so far.
    pub statistics: Statistics,
    dead: Vec<u32>,
}

/// All that the kernel knows, memory left out.
#[derive(PartialEq, Eq)]
struct Snapshot {
    state: State,
    frames: Vec<Frame>,
    envs: Vec<Env>,
}

/// The machine that a seed stands for.
pub fn spec(seed: u32) -> Spec {
    Spec {
        frames: 72 + seed % 8 * 16,
        cpus: 1 + (seed / 8 % 4) as u8,
        ..Spec::default()
    }
}

impl<'t> Driver<'t> {
    /// A machine with a few environments, some of each personality. It keeps
    /// a log if that is wanted.
    pub fn new(store: &'t mut Store, spec: Spec, seed: u32, log: bool) -> Driver<'t> {
        let mut machine = Machine::new(store, spec);
        if log {
            machine.keep_log();
        }
        let usable = spec.usable();
        let page_info_frames = (spec.frames * PAGE_INFO_STRIDE).div_ceil(PGSIZE);
        let mut model = Model::new(usable.len(), page_info_frames);
        for i in 0..3 {
            let personality = Personality::ALL[(seed as usize + i) % 4];
            let id = machine.boot(0x80_0020, personality);
            assert_eq!(id.0 as u32, model.boot(personality));
        }
        machine.calm_down();
        Driver {
            machine,
            model,
            poison: Poison::new(usable),
            statistics: Statistics::default(),
            dead: Vec::new(),
        }
    }

    /// Whether nothing can run any more.
    pub fn is_over(&self) -> bool {
        self.machine.end.is_some() || self.running_cpus().is_empty()
    }

    fn running_cpus(&self) -> Vec<CpuId> {
        let cpus = self.machine.cpu_ids();
        cpus.filter(|&cpu| self.machine.cpu(cpu).mode == Mode::User)
            .collect()
    }

    /// One action, and every comparison after it.
    pub fn act(&mut self, words: Words) -> Result<(), Mismatch> {
        let cpus = self.running_cpus();
        let Some(&cpu) = cpus.get(words[0] as usize / 64 % cpus.len().max(1)) else {
            return Ok(());
        };
        self.prefetch(words[6]);
        match words[0] % 32 {
            0 => self.machine.tick(cpu),
            1 => self.interrupt(cpu, words[1]),
            2..=4 => self.touch(cpu, words)?,
            _ => self.make_call(cpu, words)?,
        }
        if !(words[0] / 32).is_multiple_of(4) {
            self.machine.calm_down();
        }
        self.compare()
    }

    /// CPUs fetch translations that nobody asked for.
    fn prefetch(&mut self, word: u32) {
        for cpu in self.running_cpus() {
            let page = self.mapped_page(self.env_on(cpu), 0, word >> cpu.0);
            self.machine.fill(cpu, page);
        }
    }

    /// Something that no program asked for happens on `cpu`.
    fn interrupt(&mut self, cpu: CpuId, word: u32) {
        let byte = (word >> 8) as u8;
        match word % 8 {
            0..=2 => {
                self.model.type_in(byte);
                self.machine.run_event(cpu, Event::ConsoleInput { byte });
            }
            3 if !self.is_alone() => {
                let event = if word & 8 == 0 {
                    Event::Exception
                } else {
                    Event::PageFault { va: word }
                };
                let id = self.env_on(cpu);
                self.machine.run_event(cpu, event);
                self.model.kill(id);
            }
            _ => self.machine.run_event(cpu, Event::Wake),
        }
    }

    /// Whether hardly anybody is left to run.
    fn is_alone(&self) -> bool {
        let runs = |env: &&crate::model::Env| env.life == Life::Runs;
        self.model.envs.values().filter(runs).count() <= 2
    }

    /// A program uses memory: it must find what the model says is there.
    fn touch(&mut self, cpu: CpuId, words: Words) -> Result<(), Mismatch> {
        let id = self.env_on(cpu);
        let va = sensible_page(words[1]);
        let write = words[2] & 1 == 1;
        let page = self.model.envs[&id].pages.get(&va);
        let allowed = page.is_some_and(|page| page.perm & 2 != 0 || !write);
        if !allowed {
            // A page fault would end it: often enough done by `cputs`.
            return Ok(());
        }
        let done = if write {
            let at = va + words[4] % 4 * 4;
            let text = words[3] | 0x2020_2020;
            self.machine.store(cpu, at, text).is_some()
        } else {
            self.machine.load(cpu, va + 8).is_some()
        };
        if done {
            Ok(())
        } else {
            Err(Mismatch::State(format!("{id:08x} cannot use {va:#x}")))
        }
    }

    fn env_on(&self, cpu: CpuId) -> u32 {
        self.machine.env_on(cpu).map_or(0, |id| id.0 as u32)
    }

    fn make_call(&mut self, cpu: CpuId, words: Words) -> Result<(), Mismatch> {
        let id = self.env_on(cpu);
        let personality = self.model.envs[&id].personality;
        let (call, arguments) = self.choose(id, words);
        let Some(number) = personality.number(call) else {
            return Ok(());
        };
        let quiet = !self.machine.kernel.has_leftovers();
        // An allowance of frames is a test's affair; a log knows nothing of it.
        let often = if call == Call::IpcTrySend { 3 } else { 8 };
        let starved = words[7].is_multiple_of(often) && self.machine.log.is_none();
        if starved {
            self.machine.kernel.frames_mut().refuse_after(0);
        }
        set_call(&mut self.machine.cpu_mut(cpu).frame, number, arguments);
        let event = if (words[7] / 8).is_multiple_of(4) && self.pass_on_stack(cpu, id, arguments[4])
        {
            Event::FastSyscall
        } else {
            Event::Syscall
        };
        let text = (call == Call::Cputs).then(|| self.text_at(cpu, arguments));
        let printed = self.machine.uart.output.len();
        let before = self.remember();
        let answer = self.machine.call_by(cpu, personality, event);
        let changed = self.has_changed(&before);
        let expected = if starved {
            self.machine.kernel.frames_mut().refuse_none();
            self.model.call_without_memory(id, call, arguments)
        } else {
            self.model.call(id, call, arguments)
        };
        self.count(call, answer, changed);
        self.statistics.starved += u64::from(starved && answer == Answer::Failed(Error::NoMem));
        let agree = match (expected, answer) {
            (Expected::Value(value), Answer::Value(got)) => value == got,
            (Expected::Fails(error), Answer::Failed(got)) => error == got,
            (Expected::Yields, Answer::Value(0) | Answer::Left(_)) => true,
            (Expected::Leaves, Answer::Left(_)) => true,
            _ => false,
        };
        if !agree {
            return Err(Mismatch::Answer {
                call,
                arguments,
                expected,
                answer,
            });
        }
        if let (Some(text), Answer::Value(_)) = (text, answer)
            && self.machine.uart.output[printed..] != text
        {
            return Err(Mismatch::State("something else was printed".into()));
        }
        if quiet && matches!(answer, Answer::Failed(_)) && changed {
            return Err(Mismatch::FailureChanged(call));
        }
        if call == Call::PageAlloc && answer == Answer::Value(0) {
            self.check_fresh(id, arguments)?;
        }
        Ok(())
    }

    /// The bytes at a range of addresses, as far as there are any, up to a NUL.
    fn text_at(&self, cpu: CpuId, [ptr, len, ..]: [u32; 5]) -> Vec<u8> {
        let memory = self.machine.kernel.memory();
        let byte_at = |va: u32| {
            let frame = walk(memory, self.machine.cpu(cpu).cr3, va)?.frame;
            let word = memory.read(frame.address() + va % PGSIZE / 4 * 4);
            Some(word.to_le_bytes()[va as usize % 4])
        };
        let bytes = (0..len).map_while(|offset| byte_at(ptr.wrapping_add(offset)));
        bytes.take_while(|&byte| byte != 0).collect()
    }

    /// Puts a call's fifth argument on the stack of the environment on `cpu`,
    /// where a fast call has it, if there is a stack. In its register is then
    /// something else.
    fn pass_on_stack(&mut self, cpu: CpuId, id: u32, argument: u32) -> bool {
        let page = USTACKTOP - PGSIZE;
        if !self.model.envs[&id].pages.contains_key(&page) {
            return false;
        }
        let frame = self.frame_at(id, page);
        let memory = self.machine.kernel.mem();
        memory.write(frame.address() + PGSIZE - 8, argument);
        let registers = &mut self.machine.cpu_mut(cpu).frame;
        registers.esp = USTACKTOP - 8;
        registers.regs.esi = registers.eip;
        true
    }

    /// Notes all that the kernel knows; memory notes what is written from now.
    fn remember(&mut self) -> Snapshot {
        let kernel = &mut self.machine.kernel;
        kernel.mem().take_written(|_, _| {});
        let state = kernel.state();
        let used = kernel.envs().used().count();
        let tables = kernel.tables();
        Snapshot {
            state,
            frames: tables.frames.to_vec(),
            envs: tables.envs[..used].to_vec(),
        }
    }

    /// Whether anything, in the kernel or in memory, is not as it was.
    fn has_changed(&mut self, before: &Snapshot) -> bool {
        let mut written = false;
        self.machine
            .kernel
            .mem()
            .take_written(|_, _| written = true);
        written || *before != self.remember()
    }

    fn count(&mut self, call: Call, answer: Answer, changed: bool) {
        let statistics = &mut self.statistics;
        statistics.calls += 1;
        statistics.changes += u64::from(changed);
        statistics.alive += self.model.envs.len() as u64;
        let result = match answer {
            Answer::Failed(error) => error as u32,
            Answer::Value(_) | Answer::Left(_) => 0,
        };
        *statistics
            .results
            .entry((call_name(call), result))
            .or_insert(0) += 1;
    }

    /// A page that was just allocated shows nobody's secrets.
    fn check_fresh(&self, caller: u32, [id, va, ..]: [u32; 5]) -> Result<(), Mismatch> {
        let id = if id == 0 { caller } else { id };
        let frame = self.frame_at(id, va);
        let zero = self.machine.kernel.memory().frame(frame);
        if zero.iter().all(|&word| word == 0) {
            Ok(())
        } else {
            Err(Mismatch::State(format!("page {va:#x} is not zero")))
        }
    }

    fn frame_at(&self, id: u32, va: u32) -> Pfn {
        let space = self.machine.kernel.envs()[slot_of(id)].space();
        let memory = self.machine.kernel.memory();
        walk(memory, space.pgdir, va).map_or(Pfn(0), |found| found.frame)
    }

    fn compare(&mut self) -> Result<(), Mismatch> {
        self.reap();
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

    /// At the end: who waits for messages is left, and of the dead nothing.
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

    /// Lets never-started children of the dead die, as the model's do at once.
    fn reap(&mut self) {
        let living = |machine: &Machine<'_>| {
            let envs = machine.kernel.envs();
            envs.used().filter(|&slot| envs[slot].is_alive()).count()
        };
        while living(&self.machine) > self.model.envs.len()
            && self.machine.kernel.has_leftovers()
            && self.machine.end.is_none()
        {
            let modes = [Mode::User, Mode::Idle];
            let mut cpus = self.machine.cpu_ids();
            let Some(cpu) = cpus.find(|&cpu| modes.contains(&self.machine.cpu(cpu).mode)) else {
                return;
            };
            self.machine.run_event(cpu, Event::Wake);
        }
    }

    fn compare_envs(&self) -> Result<(), Mismatch> {
        let envs = self.machine.kernel.envs();
        let mut frames: BTreeMap<u64, Pfn> = BTreeMap::new();
        for (&id, wanted) in &self.model.envs {
            let env = &envs[slot_of(id)];
            if !env.is_alive() || env.id() != EnvId(id as i32) {
                return Err(Mismatch::State(format!("{id:08x} is not alive")));
            }
            let status = if env.on_cpu().is_some() {
                EnvStatus::Runnable
            } else {
                env.status()
            };
            if status != self.model.status(id) {
                return Err(Mismatch::State(format!("{id:08x} is {status:?}")));
            }
            let mut wanted_pages = wanted.pages.iter();
            for (va, entry) in mappings(self.machine.kernel.memory(), env.space().pgdir) {
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
        // What a dead environment had mapped counts until it is taken apart.
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

    /// The public table of frames says what the kernel counts.
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

    /// Who comes back from a call finds its result.
    fn compare_results(&mut self) -> Result<(), Mismatch> {
        for cpu in self.running_cpus() {
            let id = self.env_on(cpu);
            let eax = self.machine.cpu(cpu).frame.regs.eax;
            if let Some(env) = self.model.envs.get_mut(&id)
                && let Some(result) = env.result.take()
                && result != eax
            {
                return Err(Mismatch::State(format!("{id:08x} got {eax:#x}")));
            }
        }
        Ok(())
    }

    // --- Choosing.

    fn choose(&mut self, caller: u32, words: Words) -> (Call, [u32; 5]) {
        let call = self.choose_call(caller, words[1]);
        let [_, _, w2, w3, w4, w5, w6, w7] = words;
        let arguments = match call {
            Call::EnvDestroy if w7.is_multiple_of(32) => [0, w3, w4, w5, w6],
            Call::EnvDestroy => [self.choose_env(caller, w2 | 8), w3, w4, w5, w6],
            Call::PageAlloc => [self.choose_env(caller, w2), page(w3), perm(w4), w5, w6],
            Call::PageUnmap => [self.choose_env(caller, w2), page(w3), w4, w5, w6],
            Call::PageMap => {
                let from = self.choose_env(caller, w2);
                let from_va = match w7 % 4 {
                    0 => page(w3),
                    _ => self.mapped_page(from, caller, w3),
                };
                let to = self.choose_env(caller, w4);
                [from, from_va, to, page(w5), perm(w6)]
            }
            Call::EnvSetStatus => [self.choose_env(caller, w2), status(w3), w4, w5, w6],
            Call::IpcTrySend => {
                let to = self.choose_receiver(caller, w2);
                [to, w3, self.send_page(caller, w4), perm(w5), w6]
            }
            Call::IpcRecv => {
                let unaligned = u32::from(w7.is_multiple_of(8));
                [send_or_page(w2) | unaligned, w3, w4, w5, w6]
            }
            Call::Cputs => {
                let ptr = match w7 / 64 % 8 {
                    0 => page(w2),
                    _ => self.mapped_page(caller, caller, w2) + w3 % 3,
                };
                let len = match w7 / 512 % 8 {
                    0 => w4 % 9000,
                    _ => w4 % 200,
                };
                [readable_window(ptr), len, w5, w6, w7]
            }
            _ => [w2, w3, w4, w5, w6],
        };
        self.dead.retain(|&id| !self.model.envs.contains_key(&id));
        self.dead.truncate(8);
        (call, arguments)
    }

    fn choose_call(&mut self, caller: u32, word: u32) -> Call {
        let alone = self.is_alone();
        let call = match word % 40 {
            0..=5 => Call::PageAlloc,
            6..=12 => Call::PageMap,
            13..=16 => Call::PageUnmap,
            17..=19 => Call::Exofork,
            20..=24 => Call::EnvSetStatus,
            25 | 26 => Call::EnvDestroy,
            27 | 28 => Call::Yield,
            29..=32 => Call::IpcTrySend,
            33..=35 => Call::IpcRecv,
            36 | 37 => Call::Cputs,
            38 => Call::GetEnvId,
            _ if (word / 40).is_multiple_of(2) => Call::Cgetc,
            _ => Call::Features,
        };
        self.dead.push(caller);
        match call {
            Call::Exofork if self.model.envs.len() >= CROWD => Call::EnvDestroy,
            Call::IpcRecv | Call::EnvSetStatus if alone && !(word / 40).is_multiple_of(16) => {
                Call::PageMap
            }
            Call::EnvDestroy if alone && !(word / 40).is_multiple_of(64) => Call::PageAlloc,
            _ => call,
        }
    }

    /// Mostly an environment that the caller may touch.
    fn choose_env(&self, caller: u32, word: u32) -> u32 {
        let pick = |ids: Vec<u32>| {
            let index = word as usize / 16 % ids.len().max(1);
            ids.get(index).copied().unwrap_or(caller ^ 0x1000)
        };
        let envs = &self.model.envs;
        match word % 16 {
            0..=4 => 0,
            5 => caller,
            6..=12 => {
                let own = envs.iter().filter(|(_, env)| env.parent == caller);
                pick(own.map(|(&id, _)| id).collect())
            }
            13 => pick(envs.keys().copied().collect()),
            14 => pick(self.dead.clone()) ^ 0x1000,
            _ => word,
        }
    }

    fn choose_receiver(&self, caller: u32, word: u32) -> u32 {
        let waiting = |life: Life| matches!(life, Life::Receives(_));
        let envs = self.model.envs.iter();
        let ids: Vec<u32> = envs
            .filter(|(_, env)| waiting(env.life))
            .map(|(&id, _)| id)
            .collect();
        match ids.get(word as usize / 4 % ids.len().max(1)) {
            Some(&id) if !word.is_multiple_of(4) => id,
            _ => self.choose_env(caller, word / 4),
        }
    }

    /// A page that `id` has mapped, if it has one.
    fn mapped_page(&self, id: u32, caller: u32, word: u32) -> u32 {
        let id = if id == 0 { caller } else { id };
        let pages = self.model.envs.get(&id).map(|env| &env.pages);
        let index = word as usize % pages.map_or(1, |pages| pages.len().max(1));
        pages
            .and_then(|pages| pages.keys().nth(index))
            .copied()
            .unwrap_or(0)
    }

    fn send_page(&self, caller: u32, word: u32) -> u32 {
        match word % 4 {
            0 => send_or_page(word / 4),
            1 => UTOP,
            _ => self.mapped_page(caller, caller, word / 4),
        }
    }
}

/// Accessed and dirty: the processor's, not the kernel's.
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

fn slot_of(id: u32) -> Slot {
    Slot(EnvId(id as i32).slot() as u16)
}

/// A page that programs of this test like to use.
fn sensible_page(word: u32) -> u32 {
    let spans = [0x40_0000, 0x80_0000, 0xeec0_0000 - 0x40_0000];
    spans[word as usize % 3] + word / 3 % 4 * PGSIZE
}

/// An address where a page is wanted: mostly one that can be.
fn page(word: u32) -> u32 {
    const HOSTILE: [u32; 16] = [
        0,
        1,
        PGSIZE - 1,
        UTOP - PGSIZE,
        UTOP - 1,
        UTOP,
        UTOP + 1,
        UPAGES,
        ULIM - PGSIZE,
        ULIM,
        0xf000_0000,
        0xffff_f000,
        0xffff_ffff,
        0x8000_0000,
        0x7fff_f000,
        USTACKTOP - PGSIZE,
    ];
    match word % 16 {
        0 => HOSTILE[word as usize / 16 % 16],
        _ => sensible_page(word / 16),
    }
}

fn send_or_page(word: u32) -> u32 {
    if word.is_multiple_of(2) {
        UTOP
    } else {
        page(word / 2)
    }
}

fn perm(word: u32) -> u32 {
    match word % 16 {
        0..=9 => 7,
        10..=12 => 5,
        13 => 5 | (word >> 4 & 0xe02),
        14 => word >> 4 & 0xfff,
        _ => word,
    }
}

/// The address itself, unless it is in the window of page tables, of which the
/// model knows nothing.
fn readable_window(va: u32) -> u32 {
    if (UVPT - 0x1_0000..ULIM).contains(&va) {
        ULIM
    } else {
        va
    }
}

fn status(word: u32) -> u32 {
    match word % 16 {
        0..=8 => 2,
        9..=12 => 4,
        13 | 14 => word / 16 % 6,
        _ => word,
    }
}

/// The name of a call, for statistics.
pub fn call_name(call: Call) -> &'static str {
    match call {
        Call::Cputs => "cputs",
        Call::Cgetc => "cgetc",
        Call::GetEnvId => "getenvid",
        Call::EnvDestroy => "env_destroy",
        Call::PageAlloc => "page_alloc",
        Call::PageMap => "page_map",
        Call::PageUnmap => "page_unmap",
        Call::Exofork => "exofork",
        Call::EnvSetStatus => "env_set_status",
        Call::EnvSetTrapframe => "env_set_trapframe",
        Call::EnvSetPgfaultUpcall => "env_set_pgfault_upcall",
        Call::Yield => "yield",
        Call::IpcTrySend => "ipc_try_send",
        Call::IpcRecv => "ipc_recv",
        Call::TimeMsec => "time_msec",
        Call::Features => "features",
    }
}

/// Which error a result in [`Statistics::results`] is.
fn result_name(result: u32) -> String {
    Error::from_value(result).map_or("ok".into(), |error| format!("{error:?}"))
}

/// A stream of random words: xorshift64*, seeded.
#[derive(Clone, Debug)]
pub struct Stream(u64);

impl Stream {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Stream {
        Stream(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// Words for the next action.
    pub fn words(&mut self) -> Words {
        std::array::from_fn(|_| self.word())
    }
}

/// Runs of random calls of one seed, so many calls in all.
pub fn run(seed: u64, calls: u64) -> Result<Statistics, (u64, Mismatch)> {
    let mut stream = Stream::new(seed);
    let mut all = Statistics::default();
    while all.calls < calls {
        let kind = stream.word();
        let spec = spec(kind);
        let mut store = Store::new(&spec);
        let mut driver = Driver::new(&mut store, spec, kind, false);
        for _ in 0..2000 {
            if driver.is_over() {
                break;
            }
            driver
                .act(stream.words())
                .map_err(|mismatch| (all.calls + driver.statistics.calls, mismatch))?;
        }
        all.add(&driver.statistics);
    }
    Ok(all)
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |count: u64| count as f64 / self.calls.max(1) as f64;
        let Statistics {
            calls,
            starved,
            ends,
            ..
        } = self;
        writeln!(
            f,
            "calls {calls}, without memory {starved}, runs that ended {ends}"
        )?;
        writeln!(
            f,
            "changing the state {:.0} %, environments alive {:.1}",
            part(self.changes) * 100.0,
            part(self.alive)
        )?;
        for ((call, result), count) in &self.results {
            writeln!(f, "  {call:16} {:12} {count:9}", result_name(*result))?;
        }
        Ok(())
    }
}

impl Statistics {
    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Statistics) {
        self.calls += other.calls;
        self.changes += other.changes;
        self.alive += other.alive;
        self.ends += other.ends;
        self.starved += other.starved;
        for (&key, count) in &other.results {
            *self.results.entry(key).or_insert(0) += count;
        }
    }
}
