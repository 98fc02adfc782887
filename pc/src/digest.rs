//! A position as a number: two machines with equal digests are taken to be equal.
//!
//! What makes a difference to what comes next is in it, and nothing else: not how the
//! host came here. So it is the same natively and in a browser, forwards and backwards.
//! The hard thing is time, which a search must be able to ignore: [`Pc::digest`] has
//! it, [`Pc::outline`] leaves it out, and who has run how often with it.

use crate::pc::Pc;
use crate::used::used_frames;
use kcore::{CpuId, Pfn};
use sim::explorer::state::{Hash128, Mixer};
use sim::machine::Cpu;
use sim::named::named_by;
use std::hash::{Hash, Hasher};

impl Pc<'_> {
    /// The machine as a number. Looks at all of memory.
    pub fn digest(&mut self) -> Hash128 {
        let mut mixer = Mixer::default();
        let memory = self.machine.kernel.memory();
        for frame in (0..memory.frames()).map(Pfn) {
            hash_frame(frame, memory.frame(frame), &mut mixer);
        }
        self.machine.kernel.state().hash(&mut mixer);
        self.hash_tables(&mut mixer, |runs| runs);
        self.hash_rest(&mut mixer);
        self.machine.cpus.hash(&mut mixer);
        (self.machine.now, self.rest, self.stamp).hash(&mut mixer);
        (self.console_due, self.position).hash(&mut mixer);
        mixer.both()
    }

    /// The machine as a number, but for time. `memory` is what its frames are as a
    /// number; those that the kernel shows to programs need not be in it.
    pub fn outline(&mut self, memory: Hash128) -> Hash128 {
        let mut mixer = Mixer::default();
        memory.hash(&mut mixer);
        let mut state = self.machine.kernel.state();
        for cpu in (0..self.machine.cpus.len() as u8).map(CpuId) {
            state.cpus[cpu].since = 0;
        }
        state.hash(&mut mixer);
        self.hash_tables(&mut mixer, |_| 0);
        self.hash_rest(&mut mixer);
        for cpu in &self.machine.cpus {
            let timeless = Cpu {
                due: None,
                ..cpu.clone()
            };
            timeless.hash(&mut mixer);
        }
        mixer.both()
    }

    fn hash_tables(&mut self, mixer: &mut Mixer, runs: impl Fn(u32) -> u32) {
        let kernel = &mut self.machine.kernel;
        let used = kernel.envs().used().count();
        let tables = kernel.tables();
        used_frames(tables.frames).hash(mixer);
        for env in &tables.envs[..used] {
            let mut env = *env;
            env.runs = runs(env.runs);
            env.hash(mixer);
        }
    }

    fn hash_rest(&self, mixer: &mut Mixer) {
        let machine = &self.machine;
        machine.uart.busy.hash(mixer);
        machine.end.hash(mixer);
        if let Some(holder) = machine.holder {
            let named = named_by(&holder.outbox, holder.step);
            (holder.cpu, holder.step, named, holder.parked).hash(mixer);
        }
        self.cpus.hash(mixer);
        self.kept.hash(mixer);
        self.care.hash(mixer);
        self.disk.hash(mixer);
        self.input.hash(mixer);
    }
}

/// Adds a frame, if it is not all zero.
pub fn hash_frame(frame: Pfn, words: &[u32], mixer: &mut Mixer) {
    for (index, &word) in (0..).zip(words) {
        if word != 0 {
            mixer.write_u64(u64::from(frame.0) << 42 | index << 32 | u64::from(word));
        }
    }
}
