//! What happened in a run, with positions: records of the kernel's steps, who had
//! which CPU when, what was printed.
//!
//! The hard thing is that it is told once. A run that is gone through again repeats
//! itself, so only what comes after the furthest position is added; and when somebody
//! changes the past, what came after is dropped.

use pc::Pc;
use witness::trace::{Cause, Kind, Record, Words};

/// The most records that are kept: 40 MB of them.
pub const MOST: usize = 1_000_000;

/// Who has a CPU from a position on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// Since when.
    pub place: u64,
    /// Which CPU.
    pub cpu: u8,
    /// The environment's id, or 0.
    pub env: u32,
}

/// A story.
#[derive(Debug, Default)]
pub struct Story {
    records: Vec<Words>,
    /// By record: the position that it was made by.
    places: Vec<u64>,
    tenures: Vec<Tenure>,
    /// By CPU: the last one's environment.
    on_cpu: Vec<u32>,
    console: Vec<u8>,
    /// How many bytes there were from a position on.
    printed: Vec<(u64, usize)>,
    /// How many records found no room.
    lost: u64,
}

impl Story {
    /// A story that begins with this on the console, for so many CPUs.
    pub fn new(greeting: &str, cpus: usize) -> Story {
        Story {
            console: greeting.into(),
            printed: vec![(0, greeting.len())],
            on_cpu: vec![0; cpus],
            ..Story::default()
        }
    }

    /// Tells what came since the last time, which is up to here.
    pub fn hear(&mut self, pc: &mut Pc<'_>) {
        let place = pc.position();
        if !pc.machine.uart.output.is_empty() {
            self.console.append(&mut pc.take_output());
            self.printed.push((place, self.console.len()));
        }
        if pc.machine.trace.is_empty() {
            return;
        }
        let room = MOST - self.records.len();
        let came = pc.machine.trace.len();
        self.lost += came.saturating_sub(room) as u64;
        self.records.extend(pc.machine.trace.drain(..).take(room));
        self.places.resize(self.records.len(), place);
        for cpu in pc.machine.cpu_ids() {
            let env = pc.machine.env_on(cpu).map_or(0, |id| id.0.cast_unsigned());
            let known = &mut self.on_cpu[cpu.0 as usize];
            if *known != env {
                *known = env;
                let cpu = cpu.0;
                self.tenures.push(Tenure { place, cpu, env });
            }
        }
    }

    /// Forgets what came after a position.
    pub fn cut(&mut self, place: u64) {
        let records = self.until(place);
        self.records.truncate(records);
        self.places.truncate(records);
        self.tenures.retain(|tenure| tenure.place <= place);
        self.on_cpu.fill(0);
        for tenure in &self.tenures {
            self.on_cpu[tenure.cpu as usize] = tenure.env;
        }
        self.printed.retain(|(at, _)| *at <= place);
        self.console.truncate(self.printed_at(place));
        self.lost = 0;
    }

    /// How many records were made up to a position.
    pub fn until(&self, place: u64) -> usize {
        self.places.partition_point(|at| *at <= place)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many found no room.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// A record, and its position.
    pub fn record(&self, index: usize) -> Option<(u64, Record)> {
        let record = Record::from_words(*self.records.get(index)?)?;
        Some((self.places[index], record))
    }

    fn begins_step(&self, index: usize) -> bool {
        self.record(index)
            .is_some_and(|(_, record)| record.content.kind() == Kind::Entered)
    }

    /// The records of the step that a record belongs to.
    pub fn step_of(&self, index: usize) -> std::ops::Range<usize> {
        let mut start = index;
        while start > 0 && !self.begins_step(start) {
            start -= 1;
        }
        let mut end = index + 1;
        while end < self.len() && !self.begins_step(end) {
            end += 1;
        }
        start..end.min(self.len())
    }

    /// The position of the first step that begins after this one, or of the last
    /// before it.
    pub fn next_step(&self, place: u64, back: bool) -> Option<u64> {
        let found = if back {
            let before = self.places.partition_point(|at| *at < place);
            (0..before).rev().find(|&index| self.begins_step(index))
        } else {
            (self.until(place)..self.len()).find(|&index| self.begins_step(index))
        };
        found.map(|index| self.places[index])
    }

    /// The position of the first change of who has a CPU after this one, or of the last
    /// before it.
    pub fn next_switch(&self, place: u64, back: bool) -> Option<u64> {
        let mut tenures = self.tenures.iter();
        let found = if back {
            tenures.rfind(|tenure| tenure.place < place)
        } else {
            tenures.find(|tenure| tenure.place > place)
        };
        found.map(|tenure| tenure.place)
    }

    /// Everything printed so far.
    pub fn console(&self) -> &[u8] {
        &self.console
    }

    /// How many bytes were printed up to a position.
    pub fn printed_at(&self, place: u64) -> usize {
        let after = self.printed.partition_point(|(at, _)| *at <= place);
        after
            .checked_sub(1)
            .map_or(0, |index| self.printed[index].1)
    }

    /// Who had which CPU, from the tenure with this number on.
    pub fn tenures(&self, from: usize) -> &[Tenure] {
        self.tenures.get(from..).unwrap_or_default()
    }

    /// What a timeline shows of the records from this one on: five words each, the
    /// position in two, CPU and kind and cause, the environment, the record's number.
    pub fn marks(&self, from: usize) -> Vec<u32> {
        let mut words = Vec::new();
        for index in from..self.len() {
            let Some((place, record)) = self.record(index) else {
                continue;
            };
            let kind = record.content.kind();
            let shown = matches!(
                kind,
                Kind::Entered
                    | Kind::Born
                    | Kind::Died
                    | Kind::Delivered
                    | Kind::Stops
                    | Kind::Flushes
            );
            if shown {
                let tags = [record.cpu.0, kind as u8, cause(record.cause), 0];
                words.extend([place as u32, (place >> 32) as u32, u32::from_le_bytes(tags)]);
                words.extend([record.env.0.cast_unsigned(), index as u32]);
            }
        }
        words
    }
}

/// Causes in the classes that a timeline shows.
fn cause(cause: Cause) -> u8 {
    match cause {
        Cause::Boot => 0,
        Cause::Call { .. } => 1,
        Cause::Exception(_) => 2,
        Cause::PageFault => 3,
        Cause::Timer => 4,
        Cause::Wake => 5,
        Cause::ConsoleReady | Cause::ConsoleInput(_) => 6,
    }
}
