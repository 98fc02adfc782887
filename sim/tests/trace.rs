//! The trace tells everything that happened: its records alone give the mappings,
//! the free frames and the environment on each CPU that the kernel's tables have.

use abi::EnvId;
use kcore::{CpuId, Pfn};
use sim::machine::{Machine, Spec, Store};
use sim::random::{self, Driver, Stream};
use std::collections::{BTreeMap, BTreeSet};
use witness::digest;
use witness::trace::{Content, Kind, Record, Words};

/// Records in a ring that no step overflows.
const ENOUGH: usize = 16 * 1024;

/// What a reader of the trace knows.
#[derive(Default)]
struct Told {
    /// The page directory of each live environment.
    alive: BTreeMap<EnvId, Pfn>,
    /// What is mapped in each space, dead ones included.
    mapped: BTreeMap<(Pfn, u32), u32>,
    /// Frames that have ever been in use, and those of them that are free.
    used: BTreeSet<Pfn>,
    free: BTreeSet<Pfn>,
    /// The environment on each CPU that does not idle.
    running: BTreeMap<CpuId, EnvId>,
    /// How often each live environment was put on a CPU.
    runs: BTreeMap<EnvId, u32>,
    /// The last message of each live environment: sender and word.
    inbox: BTreeMap<EnvId, (EnvId, u32)>,
    kinds: BTreeMap<Kind, u64>,
}

impl Told {
    fn read(&mut self, words: &[Words]) {
        for &words in words {
            let record = Record::from_words(words).expect("a record");
            assert_eq!(record.words(), words);
            assert!(record.to_string().len() > 40, "{record}");
            *self.kinds.entry(record.content.kind()).or_default() += 1;
            self.learn(&record);
        }
    }

    fn learn(&mut self, record: &Record) {
        match record.content {
            Content::Inserted(it) => {
                assert_eq!(self.alive.get(&it.env), Some(&it.pgdir), "{record}");
                let old = self.mapped.insert((it.pgdir, it.va), it.entry.0);
                assert_eq!(old, None, "{record}");
                self.uses(it.entry.frame());
            }
            Content::Removed(it) => {
                if it.env != EnvId::NONE {
                    assert_eq!(self.alive.get(&it.env), Some(&it.pgdir), "{record}");
                }
                let old = self.mapped.remove(&(it.pgdir, it.va));
                assert_eq!(old, Some(it.entry.0), "{record}");
            }
            Content::TableMade(it) => {
                self.uses(it.entry.frame());
            }
            Content::Freed { frame } => assert!(self.free.insert(frame), "{record}"),
            Content::Born { env, pgdir, .. } => {
                assert_eq!(self.alive.insert(env, pgdir), None, "{record}");
                self.uses(pgdir);
            }
            Content::Died { env, pgdir, .. } => {
                assert_eq!(self.alive.remove(&env), Some(pgdir), "{record}");
                self.running.retain(|_, running| *running != env);
                self.runs.remove(&env);
                self.inbox.remove(&env);
            }
            Content::Switched { pgdir } => {
                assert_eq!(self.alive.get(&record.env), Some(&pgdir), "{record}");
                self.running.insert(record.cpu, record.env);
                *self.runs.entry(record.env).or_default() += 1;
            }
            Content::Idled => {
                self.running.remove(&record.cpu);
            }
            Content::Parked { cpu, env, .. } => {
                assert_eq!(self.running.remove(&cpu), Some(env), "{record}");
            }
            Content::Delivered {
                to, from, value, ..
            } => {
                self.inbox.insert(to, (from, value));
            }
            Content::Entered { .. } => {
                // An environment that enters is the one that was switched to.
                if let Some(running) = self.running.get(&record.cpu) {
                    assert_eq!(*running, record.env, "{record}");
                }
            }
            Content::Sends { .. }
            | Content::Receives { .. }
            | Content::Flushes { .. }
            | Content::Stops { .. }
            | Content::Wakes { .. } => {}
        }
    }

    fn uses(&mut self, frame: Pfn) {
        self.used.insert(frame);
        self.free.remove(&frame);
    }

    /// Compares the records with the kernel's own tables.
    fn compare(&self, machine: &Machine<'_>) {
        let kernel = &machine.kernel;
        let envs = kernel.envs();
        let living = || envs.used().map(|slot| &envs[slot]).filter(|e| e.alive);
        let alive: BTreeMap<_, _> = living().map(|env| (env.id, env.space.pgdir)).collect();
        assert_eq!(self.alive, alive);
        for env in living() {
            let space = env.space;
            let mapped: BTreeMap<u32, u32> = space
                .mappings(kernel.memory())
                .map(|(va, entry)| (va, entry.without_usage().0))
                .collect();
            let range = (space.pgdir, 0)..=(space.pgdir, u32::MAX);
            let told = self.mapped.range(range);
            let told: BTreeMap<u32, u32> = told.map(|(key, entry)| (key.1, *entry)).collect();
            assert_eq!(told, mapped, "{:?}", env.id);
            let runs = self.runs.get(&env.id).copied().unwrap_or(0);
            assert_eq!(runs, env.runs, "{:?}", env.id);
        }
        for cpu in machine.cpu_ids() {
            let running = self.running.get(&cpu).copied();
            assert_eq!(running, machine.env_on(cpu), "{cpu:?}");
        }
        for frame in machine.usable().map(Pfn) {
            let frames = kernel.frames();
            let mut cpus = machine.cpu_ids();
            let is_clean = cpus.any(|cpu| kernel.cpus()[cpu].clean == frame);
            let is_free = is_clean || frames.count(frame) == 0 && !frames.in_limbo(frame);
            let was_used = self.used.contains(&frame);
            assert_eq!(self.free.contains(&frame), is_free && was_used, "{frame:?}");
        }
    }
}

fn traced(spec: Spec, ring: usize) -> Spec {
    Spec {
        trace: ring,
        ..spec
    }
}

#[test]
fn what_is_mapped_free_and_running_comes_out_of_the_trace() {
    let mut kinds = BTreeMap::new();
    for seed in 1..=60 {
        let mut stream = Stream::new(seed);
        let kind = stream.word();
        let spec = traced(random::spec(kind), ENOUGH);
        let mut store = Store::new(&spec);
        let mut driver = Driver::new(&mut store, spec, kind, false);
        let mut told = Told::default();
        for _ in 0..1500 {
            let machine = &mut driver.machine;
            machine.take_trace();
            told.read(&std::mem::take(&mut machine.trace));
            told.compare(machine);
            if driver.is_over() {
                break;
            }
            driver.act(stream.words()).expect("kernel and model agree");
        }
        assert_eq!(driver.machine.kernel.watcher().lost(), 0);
        for (kind, count) in told.kinds {
            *kinds.entry(kind).or_insert(0) += count;
        }
    }
    println!("{kinds:?}");
    for &kind in Kind::ALL {
        let count = kinds.get(&kind).copied().unwrap_or(0);
        assert!(count >= 5, "{count} records of kind {}", kind.name());
    }
}

#[test]
fn a_trace_changes_nothing() {
    for seed in 1..=20 {
        let mut stream = Stream::new(seed);
        let kind = stream.word();
        let (spec, with) = (random::spec(kind), traced(random::spec(kind), 64));
        let (mut store, mut traced_store) = (Store::new(&spec), Store::new(&with));
        let mut plain = Driver::new(&mut store, spec, kind, true);
        let mut traced = Driver::new(&mut traced_store, with, kind, true);
        for _ in 0..600 {
            if plain.is_over() {
                break;
            }
            let words = stream.words();
            assert_eq!((plain.act(words), traced.act(words)), (Ok(()), Ok(())));
        }
        let (plain, traced) = (&plain.machine, &traced.machine);
        assert_eq!(digest::full(&plain.kernel), digest::full(&traced.kernel));
        assert_eq!(plain.cpus, traced.cpus);
        // The same steps, to the last effect.
        let logs = [plain, traced].map(|machine| machine.log.as_ref().map(|log| log.bytes()));
        assert!(logs[0] == logs[1] && logs[0].is_some());
    }
}

#[test]
fn what_a_small_ring_loses_is_counted() {
    let made = |ring: usize| {
        let mut stream = Stream::new(11);
        let kind = stream.word();
        let spec = traced(random::spec(kind), ring);
        let mut store = Store::new(&spec);
        let mut driver = Driver::new(&mut store, spec, kind, false);
        for _ in 0..800 {
            driver.act(stream.words()).expect("kernel and model agree");
        }
        let machine = &mut driver.machine;
        machine.take_trace();
        let trace = machine.kernel.watcher();
        let taken = machine.trace.len() as u64;
        assert_eq!(taken + trace.lost(), trace.made());
        let last: Vec<Record> = trace.recent(5).collect();
        let kept = machine.trace.iter().rev().take(5).rev();
        let kept: Vec<Record> = kept.filter_map(|&w| Record::from_words(w)).collect();
        (trace.made(), trace.lost(), last, kept)
    };
    let whole = made(ENOUGH);
    assert_eq!(whole.1, 0);
    assert_eq!(whole.2, whole.3);
    for ring in [1, 2, 7, 8] {
        let (all, lost, last, kept) = made(ring);
        assert_eq!(all, whole.0, "a ring of {ring}");
        assert!(lost > 0, "a ring of {ring}");
        assert_eq!(last.last(), whole.2.last());
        assert_eq!(kept.last(), last.last());
    }
}
