//! The whole machine at one position, to come back to.
//!
//! The hard thing is memory. A snapshot holds a page only where it differs from the one
//! before, and shares all others with it; so taking one costs as much as was written
//! since the last, and coming back as much as differs.

use crate::care::Care;
use crate::context::{Cpu, Kept};
use crate::digest::hash_frame;
use crate::ide::Ide;
use crate::pc::Pc;
use crate::plan::Plan;
use crate::turn::Turn;
use crate::used::used_frames;
use abi::EnvId;
use kcore::env::Env;
use kcore::frames::Frame;
use kcore::ids::MAX_CPUS;
use kcore::kernel::State;
use kcore::{CpuId, End, Pfn};
use sim::explorer::state::{Hash128, Mixer};
use sim::machine::{self, Holder};
use sim::memory::{FRAME_WORDS, Memory};
use std::collections::VecDeque;
use std::rc::Rc;

/// A page, and what it holds as a number.
#[derive(Debug)]
struct Page {
    words: [u32; FRAME_WORDS],
    hash: Hash128,
}

/// Pages of memory side by side; those that were never written are not there.
type Chunk = [Option<Rc<Page>>; CHUNK];
const CHUNK: usize = 64;

/// What memory holds.
#[derive(Clone, Debug)]
struct Image {
    chunks: Vec<Rc<Chunk>>,
    /// Sum of the hashes of all pages that the kernel may allocate.
    hash: Hash128,
    /// The first of them.
    usable: u32,
}

/// The whole machine at one position.
#[derive(Clone, Debug)]
pub struct Snapshot {
    memory: Image,
    kernel: Rc<KernelPart>,
    cpus: Vec<machine::Cpu>,
    holder: Option<Holder>,
    now: u64,
    busy: bool,
    end: Option<End>,
    disk: Option<Ide>,
    processors: Vec<Cpu>,
    kept: Kept,
    stamp: u64,
    care: Care,
    plan: Plan,
    turn: Option<Turn>,
    rest: u64,
    input: VecDeque<u8>,
    console_due: Option<u64>,
    position: u64,
    executed: u64,
    latest: CpuId,
    moved: bool,
}

/// What the kernel knows.
#[derive(Debug)]
struct KernelPart {
    state: State,
    frames: Vec<Frame>,
    envs: Vec<Env>,
    console: Vec<u8>,
    on_cpus: [EnvId; MAX_CPUS],
}

impl Snapshot {
    /// Where it was taken.
    pub fn position(&self) -> u64 {
        self.position
    }
}

/// Takes snapshots of one machine, and goes back to them.
#[derive(Debug)]
pub struct Snapshots {
    /// What memory held at the last snapshot, taken or gone back to. Since then memory
    /// has noted what was written.
    latest: Image,
}

impl Snapshots {
    /// For this machine.
    pub fn new(pc: &mut Pc<'_>) -> Snapshots {
        let memory = pc.machine.kernel.mem();
        memory.take_written(|_, _| {});
        let empty = Rc::new([const { None }; CHUNK]);
        let chunks = (memory.frames() as usize).div_ceil(CHUNK);
        let usable = pc.machine.usable().start;
        let mut latest = Image {
            chunks: vec![empty; chunks],
            hash: 0,
            usable,
        };
        let memory = pc.machine.kernel.memory();
        for frame in (0..memory.frames()).map(Pfn) {
            let words = memory.frame(frame);
            if words.iter().any(|&word| word != 0) {
                latest.set(frame, words);
            }
        }
        Snapshots { latest }
    }

    /// What memory holds, as a number, but for the kernel's own pages.
    pub fn memory_hash(&mut self, pc: &mut Pc<'_>) -> Hash128 {
        self.look(pc);
        self.latest.hash
    }

    fn look(&mut self, pc: &mut Pc<'_>) {
        let memory = pc.machine.kernel.mem();
        memory.take_written(|frame, words| self.latest.set(frame, words));
    }

    /// Takes a snapshot.
    pub fn take(&mut self, pc: &mut Pc<'_>) -> Snapshot {
        self.look(pc);
        let machine = &mut pc.machine;
        Snapshot {
            memory: self.latest.clone(),
            kernel: Rc::new(kernel_part(machine)),
            cpus: machine.cpus.clone(),
            holder: machine.holder,
            now: machine.now,
            busy: machine.uart.busy,
            end: machine.end,
            disk: pc.disk.clone(),
            processors: pc.cpus.clone(),
            kept: pc.kept.clone(),
            stamp: pc.stamp,
            care: pc.care.clone(),
            plan: pc.plan.clone(),
            turn: pc.turn,
            rest: pc.rest,
            input: pc.input.clone(),
            console_due: pc.console_due,
            position: pc.position,
            executed: pc.executed,
            latest: pc.latest,
            moved: pc.moved,
        }
    }

    /// Goes back to a snapshot, or forward. Output and trace that nobody took are lost.
    pub fn put(&mut self, pc: &mut Pc<'_>, snapshot: &Snapshot) {
        let machine = &mut pc.machine;
        self.put_memory(machine.kernel.mem(), &snapshot.memory);
        put_kernel(machine, &snapshot.kernel);
        machine.cpus.clone_from(&snapshot.cpus);
        machine.holder = snapshot.holder;
        machine.now = snapshot.now;
        machine.uart.busy = snapshot.busy;
        machine.uart.output.clear();
        machine.trace.clear();
        machine.end = snapshot.end;
        pc.disk.clone_from(&snapshot.disk);
        pc.cpus.clone_from(&snapshot.processors);
        pc.kept.clone_from(&snapshot.kept);
        pc.stamp = snapshot.stamp;
        pc.care.clone_from(&snapshot.care);
        pc.plan.clone_from(&snapshot.plan);
        pc.turn = snapshot.turn;
        pc.chosen = None;
        pc.rest = snapshot.rest;
        pc.input.clone_from(&snapshot.input);
        pc.console_due = snapshot.console_due;
        pc.position = snapshot.position;
        pc.executed = snapshot.executed;
        pc.latest = snapshot.latest;
        pc.moved = snapshot.moved;
    }

    fn put_memory(&mut self, memory: &mut Memory, image: &Image) {
        let mut spoilt = Vec::new();
        memory.take_written(|frame, _| spoilt.push(frame));
        for frame in spoilt {
            image.copy_to(frame, memory);
        }
        for index in 0..image.chunks.len() {
            if Rc::ptr_eq(&self.latest.chunks[index], &image.chunks[index]) {
                continue;
            }
            let pairs = self.latest.chunks[index]
                .iter()
                .zip(image.chunks[index].iter());
            for (offset, (old, new)) in pairs.enumerate() {
                if old.as_ref().map(Rc::as_ptr) != new.as_ref().map(Rc::as_ptr) {
                    image.copy_to(Pfn((index * CHUNK + offset) as u32), memory);
                }
            }
        }
        self.latest = image.clone();
    }
}

impl Image {
    fn set(&mut self, frame: Pfn, words: &[u32]) {
        // Writes outside memory are noted too.
        let Ok(&words) = <&[u32; FRAME_WORDS]>::try_from(words) else {
            return;
        };
        let mut mixer = Mixer::default();
        hash_frame(frame, &words, &mut mixer);
        let hash = mixer.both();
        let index = frame.0 as usize;
        let chunk = Rc::make_mut(&mut self.chunks[index / CHUNK]);
        let place = &mut chunk[index % CHUNK];
        if frame.0 >= self.usable {
            let old = place.as_ref().map_or(0, |page| page.hash);
            self.hash = self.hash.wrapping_sub(old).wrapping_add(hash);
        }
        *place = Some(Rc::new(Page { words, hash }));
    }

    fn copy_to(&self, frame: Pfn, memory: &mut Memory) {
        let index = frame.0 as usize;
        let words = memory.restore(frame);
        match &self.chunks[index / CHUNK][index % CHUNK] {
            Some(page) => words.copy_from_slice(&page.words),
            None => words.fill(0),
        }
    }
}

fn kernel_part(machine: &mut machine::Machine<'_>) -> KernelPart {
    let state = machine.kernel.state();
    let used = machine.kernel.envs().used().count();
    let on_cpus = machine.kernel.watcher_mut().on_cpus();
    let tables = machine.kernel.tables();
    KernelPart {
        state,
        frames: used_frames(tables.frames).to_vec(),
        envs: tables.envs[..used].to_vec(),
        console: tables.console.to_vec(),
        on_cpus,
    }
}

fn put_kernel(machine: &mut machine::Machine<'_>, part: &KernelPart) {
    let tables = machine.kernel.tables();
    let now = used_frames(tables.frames).len().max(part.frames.len());
    let (frames, unused) = tables.frames[..now].split_at_mut(part.frames.len());
    frames.copy_from_slice(&part.frames);
    unused.fill(Frame::default());
    tables.console.copy_from_slice(&part.console);
    let (used, unused) = tables.envs.split_at_mut(part.envs.len());
    used.copy_from_slice(&part.envs);
    // There may be more slots in use now.
    let stale = unused.iter_mut().take_while(|env| **env != Env::default());
    stale.for_each(|env| *env = Env::default());
    machine.kernel.set_state(&part.state);
    machine.kernel.watcher_mut().set_on_cpus(part.on_cpus);
}
