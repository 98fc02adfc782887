//! What the system calls mean, said as simply as possible.
//!
//! An independent model of the interface: maps instead of page tables, lists
//! instead of queues, and every number counted from scratch each time. It knows
//! nothing of CPUs, of TLBs, of how memory is given back. The hard thing is to
//! write it from the interface's description and not from the kernel, so that a
//! mistake would have to be made twice.

use abi::layout::{PGSIZE, PTSIZE, UENVS, UPAGES, USTACKTOP, UTOP};
use abi::{Call, EnvStatus, Error, Personality};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Whether an environment may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Made, and never started.
    Unborn,
    /// Runs, or waits for a CPU.
    Runs,
    /// Was stopped.
    Stopped,
    /// Waits for a message, with this address for its page.
    Receives(u32),
}

/// A page as one environment has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which page it is, whoever maps it.
    pub content: u64,
    /// Its low twelve bits.
    pub perm: u32,
}

/// One environment.
#[derive(Clone, Debug)]
pub struct Env {
    /// Its creator.
    pub parent: u32,
    /// When it was made, in no certain unit.
    pub born: u64,
    /// Whether it may run.
    pub life: Life,
    /// The edition whose numbers and errors it uses.
    pub personality: Personality,
    /// What it has mapped, by address.
    pub pages: BTreeMap<u32, Page>,
    /// Spans of 4 MiB in which it ever mapped something.
    pub spans: BTreeSet<u32>,
    /// The last message: value, sender, permissions.
    pub message: (u32, u32, u32),
    /// What a call that has not returned yet will return, once that is known.
    pub result: Option<u32>,
}

/// What a call must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It returns this.
    Value(u32),
    /// It fails with this.
    Fails(Error),
    /// It returns 0, at once or later.
    Yields,
    /// The caller does not run on: it waits, was stopped or is dead.
    Leaves,
}

/// Everything that programs can tell.
#[derive(Clone, Debug)]
pub struct Model {
    /// The living, by id.
    pub envs: BTreeMap<u32, Env>,
    /// Frames that there are for address spaces and pages.
    pub frames: usize,
    /// Frames of the public table of frames.
    page_info_frames: u32,
    /// The last id of each slot.
    ids: Vec<u32>,
    /// Slots to use next, last first.
    free: Vec<usize>,
    /// Bytes typed and not yet read.
    input: VecDeque<u8>,
    contents: u64,
    births: u64,
}

/// Slots in the table.
const SLOTS: usize = 1024;

type Outcome = Result<Expected, Error>;

impl Model {
    /// A machine with so many frames, and so many for the public table of
    /// frames.
    pub fn new(frames: usize, page_info_frames: u32) -> Model {
        Model {
            envs: BTreeMap::new(),
            frames,
            page_info_frames,
            ids: vec![0; SLOTS],
            free: (0..SLOTS).rev().collect(),
            input: VecDeque::new(),
            contents: 0,
            births: 0,
        }
    }

    /// An environment made at boot: a stack page, and it runs.
    pub fn boot(&mut self, personality: Personality) -> u32 {
        let id = self.new_env(0, personality).expect("a slot is free");
        self.map_new(id, USTACKTOP - PGSIZE, 7);
        self.env(id).life = Life::Runs;
        id
    }

    /// How many frames are in use.
    pub fn used(&self) -> usize {
        let spaces: usize = self.envs.values().map(|env| 1 + env.spans.len()).sum();
        spaces + self.counts().len()
    }

    /// How often each page is mapped.
    pub fn counts(&self) -> BTreeMap<u64, usize> {
        let mut counts = BTreeMap::new();
        for page in self.envs.values().flat_map(|env| env.pages.values()) {
            *counts.entry(page.content).or_insert(0) += 1;
        }
        counts
    }

    /// The public status of a living environment that is on no CPU.
    pub fn status(&self, id: u32) -> EnvStatus {
        match self.envs[&id].life {
            Life::Runs => EnvStatus::Runnable,
            Life::Unborn | Life::Stopped | Life::Receives(_) => EnvStatus::NotRunnable,
        }
    }

    fn env(&mut self, id: u32) -> &mut Env {
        self.envs.get_mut(&id).expect("a living environment")
    }

    fn new_env(&mut self, parent: u32, personality: Personality) -> Option<u32> {
        let slot = self.free.pop()?;
        let generation = (self.ids[slot] + 0x1000) & 0x7fff_fc00;
        let id = generation.max(0x1000) | slot as u32;
        self.ids[slot] = id;
        self.births += 1;
        let env = Env {
            parent,
            born: self.births,
            life: Life::Unborn,
            personality,
            pages: BTreeMap::new(),
            spans: BTreeSet::new(),
            message: (0, 0, 0),
            result: None,
        };
        self.envs.insert(id, env);
        Some(id)
    }

    fn map_new(&mut self, id: u32, va: u32, perm: u32) {
        self.contents += 1;
        let content = self.contents;
        self.map(id, va, Page { content, perm });
    }

    fn map(&mut self, id: u32, va: u32, page: Page) {
        let env = self.env(id);
        env.spans.insert(va / PTSIZE);
        env.pages.insert(va, page);
    }

    /// The end of an environment, and of its children that never ran, the
    /// youngest first.
    pub fn kill(&mut self, id: u32) {
        self.envs.remove(&id);
        self.free.push(id as usize % SLOTS);
        let unborn = |env: &Env| env.parent == id && env.life == Life::Unborn;
        let children = self.envs.iter().filter(|(_, env)| unborn(env));
        let mut children: Vec<(u64, u32)> = children.map(|(&id, env)| (env.born, id)).collect();
        children.sort_unstable();
        for (_, child) in children.into_iter().rev() {
            self.envs.remove(&child);
            self.free.push(child as usize % SLOTS);
        }
    }

    /// A byte is typed; of 512 that nobody has read, the last ones are lost.
    pub fn type_in(&mut self, byte: u8) {
        if self.input.len() < 512 {
            self.input.push_back(byte);
        }
    }

    /// `caller`, which runs, makes a call.
    pub fn call(&mut self, caller: u32, call: Call, arguments: [u32; 5]) -> Expected {
        let outcome = match call {
            Call::Cputs => Ok(self.cputs(caller, arguments)),
            Call::Cgetc => Ok(Expected::Value(self.input.pop_front().map_or(0, u32::from))),
            Call::GetEnvId => Ok(Expected::Value(caller)),
            Call::EnvDestroy => self.env_destroy(caller, arguments),
            Call::PageAlloc => self.page_alloc(caller, arguments),
            Call::PageMap => self.page_map(caller, arguments),
            Call::PageUnmap => self.page_unmap(caller, arguments),
            Call::Exofork => self.exofork(caller),
            Call::EnvSetStatus => self.env_set_status(caller, arguments),
            Call::Yield => Ok(self.r#yield(caller)),
            Call::IpcTrySend => self.ipc_try_send(caller, arguments),
            Call::IpcRecv => self.ipc_recv(caller, arguments),
            Call::Features => Ok(Expected::Value(1)),
            Call::EnvSetTrapframe | Call::EnvSetPgfaultUpcall | Call::TimeMsec => Err(Error::Inval),
        };
        outcome.unwrap_or_else(Expected::Fails)
    }

    /// As [`Model::call`], while no frame is to be had.
    pub fn call_without_memory(
        &mut self,
        caller: u32,
        call: Call,
        arguments: [u32; 5],
    ) -> Expected {
        let frames = std::mem::take(&mut self.frames);
        let expected = self.call(caller, call, arguments);
        self.frames = frames;
        expected
    }

    fn any(&self, caller: u32, id: u32) -> Result<u32, Error> {
        match id {
            0 => Ok(caller),
            _ if self.envs.contains_key(&id) => Ok(id),
            _ => Err(Error::BadEnv),
        }
    }

    fn own(&self, caller: u32, id: u32) -> Result<u32, Error> {
        let id = self.any(caller, id)?;
        if id == caller || self.envs[&id].parent == caller {
            Ok(id)
        } else {
            Err(Error::BadEnv)
        }
    }

    /// Whether so many frames are left.
    fn room(&self, needed: usize) -> Result<(), Error> {
        if self.used() + needed <= self.frames {
            Ok(())
        } else {
            Err(Error::NoMem)
        }
    }

    /// Frames that a mapping at `va` needs besides its page.
    fn table(&self, id: u32, va: u32) -> usize {
        usize::from(!self.envs[&id].spans.contains(&(va / PTSIZE)))
    }

    /// Whether a page that is mapped somewhere can be mapped at `va` too.
    fn shareable(&self, target: u32, va: u32, page: Page) -> Result<(), Error> {
        let old = self.envs[&target].pages.get(&va);
        let same = old.is_some_and(|old| old.content == page.content);
        if !same && self.counts()[&page.content] >= 65_535 {
            return Err(Error::NoMem);
        }
        match self.table(target, va) {
            0 => Ok(()),
            tables => self.room(tables),
        }
    }

    /// The page that `source` has at `va`, as it would be with `perm`.
    fn offered(&self, source: u32, va: u32, perm: u32) -> Result<Page, Error> {
        check_perm(perm)?;
        let page = self.envs[&source].pages.get(&va).ok_or(Error::Inval)?;
        if perm & 2 != 0 && page.perm & 2 == 0 {
            return Err(Error::Inval);
        }
        Ok(Page { perm, ..*page })
    }

    fn page_alloc(&mut self, caller: u32, [id, va, perm, ..]: [u32; 5]) -> Outcome {
        let id = self.own(caller, id)?;
        check_va(va)?;
        check_perm(perm)?;
        self.room(1 + self.table(id, va))?;
        self.map_new(id, va, perm);
        Ok(Expected::Value(0))
    }

    fn page_map(&mut self, caller: u32, [from, from_va, to, to_va, perm]: [u32; 5]) -> Outcome {
        let from = self.own(caller, from)?;
        let to = self.own(caller, to)?;
        check_va(from_va)?;
        check_va(to_va)?;
        let page = self.offered(from, from_va, perm)?;
        self.shareable(to, to_va, page)?;
        self.map(to, to_va, page);
        Ok(Expected::Value(0))
    }

    fn page_unmap(&mut self, caller: u32, [id, va, ..]: [u32; 5]) -> Outcome {
        let id = self.own(caller, id)?;
        check_va(va)?;
        self.env(id).pages.remove(&va);
        Ok(Expected::Value(0))
    }

    fn exofork(&mut self, caller: u32) -> Outcome {
        if self.free.is_empty() {
            return Err(Error::NoFreeEnv);
        }
        self.room(1)?;
        let personality = self.envs[&caller].personality;
        let id = self.new_env(caller, personality).ok_or(Error::NoFreeEnv)?;
        self.env(id).result = Some(0);
        Ok(Expected::Value(id))
    }

    fn env_set_status(&mut self, caller: u32, [id, status, ..]: [u32; 5]) -> Outcome {
        let id = self.own(caller, id)?;
        let run = match status {
            2 => true,
            4 => false,
            _ => return Err(Error::Inval),
        };
        let env = self.env(id);
        if let Life::Receives(_) = env.life {
            env.message.1 = 0;
            env.message.2 = 0;
            let error = env.personality.error_value(Error::Inval);
            env.result = Some(error.wrapping_neg());
            env.life = Life::Stopped;
        }
        env.life = match (env.life, run) {
            (Life::Unborn, false) => Life::Unborn,
            (_, true) => Life::Runs,
            (_, false) => Life::Stopped,
        };
        if id == caller && !run {
            env.result = Some(0);
            Ok(Expected::Leaves)
        } else {
            Ok(Expected::Value(0))
        }
    }

    fn env_destroy(&mut self, caller: u32, [id, ..]: [u32; 5]) -> Outcome {
        let id = self.own(caller, id)?;
        self.kill(id);
        if id == caller {
            Ok(Expected::Leaves)
        } else {
            Ok(Expected::Value(0))
        }
    }

    fn ipc_try_send(&mut self, caller: u32, [id, value, va, perm, _]: [u32; 5]) -> Outcome {
        let id = self.any(caller, id)?;
        let Life::Receives(wanted) = self.envs[&id].life else {
            return Err(Error::IpcNotRecv);
        };
        let mut received = 0;
        if va < UTOP {
            check_va(va)?;
            let page = self.offered(caller, va, perm)?;
            if wanted < UTOP {
                self.shareable(id, wanted, page)?;
                self.map(id, wanted, page);
                received = perm;
            }
        }
        let env = self.env(id);
        env.message = (value, caller, received);
        env.result = Some(0);
        env.life = Life::Runs;
        Ok(Expected::Value(0))
    }

    fn r#yield(&mut self, caller: u32) -> Expected {
        self.env(caller).result = Some(0);
        Expected::Yields
    }

    fn ipc_recv(&mut self, caller: u32, [va, ..]: [u32; 5]) -> Outcome {
        if va < UTOP {
            check_va(va)?;
        }
        self.env(caller).life = Life::Receives(va);
        Ok(Expected::Leaves)
    }

    fn cputs(&mut self, caller: u32, [ptr, len, ..]: [u32; 5]) -> Expected {
        let end = u64::from(ptr) + u64::from(len);
        let mut va = u64::from(ptr - ptr % PGSIZE);
        while len > 0 && va < end {
            if !self.readable(caller, va) {
                self.kill(caller);
                return Expected::Leaves;
            }
            va += u64::from(PGSIZE);
        }
        Expected::Value(0)
    }

    /// Whether a program may read the page at `va`. It does not know the
    /// window of page tables.
    fn readable(&self, id: u32, va: u64) -> bool {
        let Ok(va) = u32::try_from(va) else {
            return false;
        };
        let within = |start: u32, pages: u32| (start..start + pages * PGSIZE).contains(&va);
        self.envs[&id].pages.contains_key(&va)
            || within(UENVS, 31)
            || within(UPAGES, self.page_info_frames)
    }
}

fn check_va(va: u32) -> Result<(), Error> {
    if va < UTOP && va.is_multiple_of(PGSIZE) {
        Ok(())
    } else {
        Err(Error::Inval)
    }
}

fn check_perm(perm: u32) -> Result<(), Error> {
    if perm & 5 == 5 && perm & !0xe07 == 0 {
        Ok(())
    } else {
        Err(Error::Inval)
    }
}
