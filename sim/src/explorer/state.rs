//! Snapshots of a whole machine.
//!
//! A state is what the kernel knows, what memory holds and what each CPU is
//! doing; states that differ only in the third share the first two. The hard
//! thing is speed. Memory is a list of numbers, each of which names a frame's
//! content. Taking a snapshot looks only at frames that were written, and
//! restoring one writes only the frames that differ.

use crate::machine::{Cpu, Holder, Machine};
use crate::memory::Memory;
use crate::named::named_by;
use kcore::frames::Frame;
use kcore::kernel::State as KernelState;
use kcore::{End, Pfn, PhysMem, env::Env};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::rc::Rc;

/// A hash of 128 bits: two states with equal hashes are taken to be equal.
pub type Hash128 = u128;

/// Two 64-bit lanes, mixed by folded multiplication.
#[derive(Clone, Copy, Debug)]
pub struct Mixer {
    a: u64,
    b: u64,
}

const K1: u64 = 0x9e37_79b9_7f4a_7c15;
const K2: u64 = 0xd6e8_feb8_6659_fd93;

fn fold(x: u64, k: u64) -> u64 {
    let product = u128::from(x) * u128::from(k);
    product as u64 ^ (product >> 64) as u64
}

impl Default for Mixer {
    fn default() -> Mixer {
        Mixer { a: K2, b: K1 }
    }
}

impl Mixer {
    /// Both lanes.
    pub fn both(&self) -> Hash128 {
        let a = fold(self.a ^ self.b.rotate_left(32), K1);
        let b = fold(self.b ^ self.a.rotate_left(17), K2);
        Hash128::from(a) << 64 | Hash128::from(b)
    }
}

impl Hasher for Mixer {
    fn write_u64(&mut self, value: u64) {
        self.a = fold(self.a ^ value, K1).wrapping_add(value);
        self.b = fold(self.b.wrapping_add(value), K2) ^ self.a;
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn finish(&self) -> u64 {
        self.both() as u64
    }
}

fn hash(value: &impl Hash) -> Hash128 {
    let mut mixer = Mixer::default();
    value.hash(&mut mixer);
    mixer.both()
}

/// A hasher for tables whose keys are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64;
    }

    fn write(&mut self, _: &[u8]) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A table by hash.
pub type ByHash<V> = HashMap<Hash128, V, BuildHasherDefault<IdentityHasher>>;

/// What the kernel knows, without memory.
#[derive(Debug)]
pub struct KernelPart {
    state: KernelState,
    frames: Vec<Frame>,
    envs: Vec<Env>,
    hash: Hash128,
}

/// What memory holds: for each frame the number of its content.
#[derive(Debug)]
pub struct MemoryPart {
    contents: Vec<u32>,
    hash: Hash128,
}

/// A whole machine.
#[derive(Clone, Debug)]
pub struct State {
    kernel: Rc<KernelPart>,
    memory: Rc<MemoryPart>,
    cpus: Vec<Cpu>,
    holder: Option<Holder>,
    now: u64,
    busy: bool,
    end: Option<End>,
}

impl State {
    /// Identifies the state.
    pub fn hash(&self) -> Hash128 {
        let holder = self.holder.map(|holder| {
            let Holder {
                cpu,
                step,
                outbox,
                parked,
            } = holder;
            (cpu, step, named_by(&outbox, step), parked)
        });
        hash(&(
            self.kernel.hash,
            self.memory.hash,
            &self.cpus,
            holder,
            self.now,
            self.busy,
            self.end,
        ))
    }

    /// Identifies the part of the state that the audit looks at.
    pub fn kernel_hash(&self) -> Hash128 {
        self.kernel.hash ^ self.memory.hash.rotate_left(64)
    }
}

/// Frame contents by number; number 0 is all zeroes.
#[derive(Debug)]
struct Contents {
    numbers: ByHash<u32>,
    /// The words that are not 0, with their places.
    words: Vec<Box<[(u16, u32)]>>,
}

impl Contents {
    fn new() -> Contents {
        let mut contents = Contents {
            numbers: ByHash::default(),
            words: Vec::new(),
        };
        contents.number(&[0; crate::memory::FRAME_WORDS]);
        contents
    }

    fn number(&mut self, frame: &[u32]) -> u32 {
        let mut mixer = Mixer::default();
        let set = |(index, &word): (usize, &u32)| (word != 0).then_some((index as u16, word));
        let words = || frame.iter().enumerate().filter_map(set);
        for (index, word) in words() {
            mixer.write_u64(u64::from(index) << 32 | u64::from(word));
        }
        *self.numbers.entry(mixer.both()).or_insert_with(|| {
            self.words.push(words().collect());
            self.words.len() as u32 - 1
        })
    }

    fn restore(&self, number: u32, frame: &mut [u32]) {
        frame.fill(0);
        for &(index, word) in &self.words[number as usize] {
            frame[usize::from(index)] = word;
        }
    }
}

/// Takes snapshots of one machine, and puts them back.
#[derive(Debug)]
pub struct Snapshots {
    contents: Contents,
    /// The state that the machine is in now.
    kernel: Rc<KernelPart>,
    memory: Rc<MemoryPart>,
}

impl Snapshots {
    /// Starts with this machine, in its present state.
    pub fn new(machine: &mut Machine<'_>) -> Snapshots {
        let mut contents = Contents::new();
        let memory = machine.kernel.memory();
        let numbers = (0..memory.frames()).map(|frame| contents.number(memory.frame(Pfn(frame))));
        let memory = memory_part(numbers.collect());
        machine.kernel.mem().take_written(|_, _| {});
        Snapshots {
            contents,
            kernel: kernel_part(machine),
            memory,
        }
    }

    /// Takes a snapshot. `entered` says whether the kernel may have changed since
    /// the last [`Snapshots::take`] or [`Snapshots::put`].
    pub fn take(&mut self, machine: &mut Machine<'_>, entered: bool) -> State {
        if entered {
            let written = |frame: Pfn| self.memory.contents[frame.0 as usize] != 0;
            forget(machine, written);
            self.kernel = kernel_part(machine);
        }
        self.look_at_memory(machine.kernel.mem());
        State {
            kernel: self.kernel.clone(),
            memory: self.memory.clone(),
            cpus: machine.cpus.clone(),
            holder: machine.holder,
            now: machine.now,
            busy: machine.uart.busy,
            end: machine.end,
        }
    }

    fn look_at_memory(&mut self, memory: &mut Memory) {
        let mut changed: Option<Vec<u32>> = None;
        memory.take_written(|frame, words| {
            let number = self.contents.number(words);
            let index = frame.0 as usize;
            if self.memory.contents[index] != number {
                let contents = changed.get_or_insert_with(|| self.memory.contents.clone());
                contents[index] = number;
            }
        });
        if let Some(contents) = changed {
            self.memory = memory_part(contents);
        }
    }

    /// Puts a state back into the machine.
    pub fn put(&mut self, machine: &mut Machine<'_>, state: &State) {
        // Frames written since the last snapshot differ from it.
        let mut spoilt = Vec::new();
        let memory = machine.kernel.mem();
        memory.take_written(|frame, _| spoilt.push(frame));
        for frame in spoilt {
            let number = state.memory.contents[frame.0 as usize];
            self.contents.restore(number, memory.restore(frame));
        }
        if !Rc::ptr_eq(&self.memory, &state.memory) {
            let pairs = self.memory.contents.iter().zip(&state.memory.contents);
            for (frame, (old, new)) in (0..).zip(pairs) {
                if old != new {
                    self.contents.restore(*new, memory.restore(Pfn(frame)));
                }
            }
            self.memory = state.memory.clone();
        }
        if !Rc::ptr_eq(&self.kernel, &state.kernel) {
            put_kernel(machine, &state.kernel);
            self.kernel = state.kernel.clone();
        }
        machine.cpus.clone_from(&state.cpus);
        machine.holder = state.holder;
        machine.now = state.now;
        machine.uart.busy = state.busy;
        machine.uart.output.clear();
        machine.end = state.end;
    }
}

/// Sets everything that past events left behind and nothing depends on to one
/// fixed value: how often environments ran, and what free frames contain.
pub fn forget_history(machine: &mut Machine<'_>) {
    forget(machine, |_| true);
}

/// Like [`forget_history`], but looks only at frames that `may_hold` picks or that were written
/// since the last snapshot; all others are zero. Free frames in which the kernel counts on
/// what they contain are as it left them.
fn forget(machine: &mut Machine<'_>, may_hold: impl Fn(Pfn) -> bool) {
    machine.kernel.forget_history();
    let known: Vec<Pfn> = machine.kernel.frames().known().collect();
    for frame in machine.usable().map(Pfn) {
        let frames = machine.kernel.frames();
        let unheld = frames.count(frame) == 0 && !frames.in_limbo(frame);
        let free = unheld && !known.contains(&frame);
        if free && (may_hold(frame) || machine.kernel.memory().is_written(frame)) {
            machine.kernel.mem().zero_frame(frame);
        }
    }
}

fn kernel_part(machine: &mut Machine<'_>) -> Rc<KernelPart> {
    let state = machine.kernel.state();
    let used = machine.kernel.envs().used().count();
    let tables = machine.kernel.tables();
    let frames = tables.frames.to_vec();
    let envs = tables.envs[..used].to_vec();
    let hash = hash(&(&state, &frames, &envs));
    Rc::new(KernelPart {
        state,
        frames,
        envs,
        hash,
    })
}

fn put_kernel(machine: &mut Machine<'_>, part: &KernelPart) {
    let tables = machine.kernel.tables();
    tables.frames.copy_from_slice(&part.frames);
    let (used, unused) = tables.envs.split_at_mut(part.envs.len());
    used.copy_from_slice(&part.envs);
    // The state put back may have fewer slots in use than the present one.
    let stale = unused.iter_mut().take_while(|env| **env != Env::default());
    stale.for_each(|env| *env = Env::default());
    machine.kernel.set_state(&part.state);
}

fn memory_part(contents: Vec<u32>) -> Rc<MemoryPart> {
    let hash = hash(&contents);
    Rc::new(MemoryPart { contents, hash })
}
