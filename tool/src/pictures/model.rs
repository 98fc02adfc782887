//! Who ran when, and what happened: the model that every picture is drawn from.
//!
//! The hard thing is a trace with holes. A row knows only what its own records say; an
//! entry by somebody who never got the CPU, or a step without its beginning, proves that
//! records are missing, and all since the last sure moment is unknown then.

use abi::EnvId;
use kcore::ids::{CpuId, MAX_CPUS};
use witness::trace::{Cause, Content, Record};

use super::arrows::{Arrow, Arrows};

/// Who has a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody: the CPU waits for an interrupt, or is between two.
    Nobody,
    /// This environment.
    Env(EnvId),
    /// Records are missing.
    Unknown,
}

/// From when somebody has a CPU; up to the next of the row, or to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenure {
    /// Since when, in nanoseconds.
    pub since: u64,
    /// Who.
    pub who: Who,
}

/// A record, and where it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When, in nanoseconds since the first entry.
    pub at: u64,
    /// What.
    pub record: Record,
}

/// An environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Env {
    /// Its id.
    pub id: EnvId,
    /// Its creator, if its birth is in the trace.
    pub parent: Option<EnvId>,
    /// When it was made, or is first heard of.
    pub born: u64,
    /// When it ended, if it did.
    pub died: Option<u64>,
}

/// What pictures show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Who has each CPU, in the order of time.
    pub rows: Vec<Vec<Tenure>>,
    /// What happened, in the order of the trace.
    pub events: Vec<Event>,
    /// What went from one environment to another.
    pub arrows: Vec<Arrow>,
    /// All environments, in the order in which they appear.
    pub envs: Vec<Env>,
    /// When the last record was made, and at least 1.
    pub end: u64,
    /// How many records the kernel could not keep.
    pub lost: u64,
}

impl Model {
    /// When the last environment left its CPU. What comes then is the console, which
    /// takes much longer for its output than the run took.
    pub fn busy(&self) -> u64 {
        let rows = (0..self.rows.len()).flat_map(|cpu| self.stretches(cpu));
        let ends = rows.filter(|(.., who)| *who != Who::Nobody);
        ends.map(|(_, end, _)| end).max().unwrap_or(self.end)
    }

    /// The tenures of a row with their ends, without empty ones.
    pub fn stretches(&self, cpu: usize) -> impl Iterator<Item = (u64, u64, Who)> + '_ {
        let row = self.rows.get(cpu).map_or(&[][..], Vec::as_slice);
        let ends = row.iter().skip(1).map(|next| next.since);
        let stretches = row.iter().zip(ends.chain([self.end]));
        stretches
            .map(|(tenure, end)| (tenure.since, end, tenure.who))
            .filter(|(since, end, _)| since < end)
    }
}

/// A row while it grows.
#[derive(Debug, Default)]
struct Row {
    tenures: Vec<Tenure>,
    /// The time of its last record: up to then all is known.
    sure: u64,
}

impl Row {
    fn who(&self) -> Option<Who> {
        self.tenures.last().map(|tenure| tenure.who)
    }

    fn becomes(&mut self, since: u64, who: Who) {
        if self.who() != Some(who) {
            self.tenures.push(Tenure { since, who });
        }
    }

    /// Nothing is known since the last record.
    fn forget(&mut self) {
        if !self.tenures.is_empty() {
            self.becomes(self.sure, Who::Unknown);
        }
    }
}

/// What a step's records have in common.
type Step = (u64, CpuId, Cause);

/// Makes the model, a record at a time.
#[derive(Debug)]
pub struct Builder {
    hz: u64,
    /// The time of the first entry, in ticks.
    start: Option<u64>,
    rows: Vec<Row>,
    step: Option<Step>,
    arrows: Arrows,
    made: Model,
}

impl Builder {
    /// Nothing yet, by a clock of so many ticks a second.
    pub fn new(hz: u64, lost: u64) -> Builder {
        Builder {
            hz,
            start: None,
            rows: Vec::new(),
            step: None,
            arrows: Arrows::default(),
            made: Model {
                rows: Vec::new(),
                events: Vec::new(),
                arrows: Vec::new(),
                envs: Vec::new(),
                end: 1,
                lost,
            },
        }
    }

    /// How many events there are so far.
    pub fn events(&self) -> usize {
        self.made.events.len()
    }

    /// Takes the next record; `wanted`, if its event is drawn. Says what is wrong with a
    /// record that no kernel makes.
    pub fn add(&mut self, record: &Record, wanted: bool) -> Result<(), String> {
        let cpu = usize::from(record.cpu.0);
        if cpu >= MAX_CPUS {
            return Err(format!("damaged: a record of CPU {cpu}"));
        }
        let at = self.time(record);
        if self.rows.len() <= cpu {
            self.rows.resize_with(cpu + 1, Row::default);
        }
        // The clocks of two CPUs may differ; that of one never goes back.
        let at = at.max(self.rows.get(cpu).map_or(0, |row| row.sure));
        self.follow(cpu, at, record);
        self.meet(at, record);
        self.arrows.take(at, record, wanted);
        if let Some(row) = self.rows.get_mut(cpu) {
            row.sure = at;
        }
        self.made.end = self.made.end.max(at);
        if wanted {
            let record = *record;
            self.made.events.push(Event { at, record });
        }
        Ok(())
    }

    /// The finished model.
    pub fn finish(self) -> Model {
        let Builder {
            rows,
            arrows,
            mut made,
            ..
        } = self;
        made.rows = rows.into_iter().map(|row| row.tenures).collect();
        made.arrows = arrows.finish();
        made
    }

    /// When a record was made, in nanoseconds; at boot no time is known.
    fn time(&mut self, record: &Record) -> u64 {
        if record.cause == Cause::Boot {
            return 0;
        }
        let start = *self.start.get_or_insert(record.now);
        let ticks = u128::from(record.now.saturating_sub(start));
        let nanoseconds = ticks * 1_000_000_000 / u128::from(self.hz.max(1));
        u64::try_from(nanoseconds).unwrap_or(u64::MAX)
    }

    /// Who has which CPU after this record.
    fn follow(&mut self, cpu: usize, at: u64, record: &Record) {
        let step = (record.now, record.cpu, record.cause);
        let begins = self.step.replace(step) != Some(step);
        let Some(row) = self.rows.get_mut(cpu) else {
            return;
        };
        match record.content {
            Content::Entered { .. } => {
                let who = match record.env {
                    EnvId::NONE => Who::Nobody,
                    env => Who::Env(env),
                };
                if row.who() != Some(who) {
                    row.forget();
                }
                row.becomes(at, who);
            }
            Content::Switched { .. } => row.becomes(at, Who::Env(record.env)),
            Content::Idled => row.becomes(at, Who::Nobody),
            Content::Parked { cpu, .. } => {
                if let Some(row) = self.rows.get_mut(usize::from(cpu.0)) {
                    row.becomes(at.max(row.sure), Who::Nobody);
                }
            }
            Content::Died { env, .. } => self.leave(at, env),
            // A step begins with its entry.
            _ if begins && record.cause != Cause::Boot => row.forget(),
            _ => {}
        }
    }

    /// No CPU has this environment any more.
    fn leave(&mut self, at: u64, env: EnvId) {
        for row in &mut self.rows {
            if row.who() == Some(Who::Env(env)) {
                row.becomes(at.max(row.sure), Who::Nobody);
            }
        }
    }

    /// Keeps the list of environments.
    fn meet(&mut self, at: u64, record: &Record) {
        match record.content {
            Content::Born { env, parent, .. } => self.made.envs.push(Env {
                id: env,
                parent: (parent != EnvId::NONE).then_some(parent),
                born: at,
                died: None,
            }),
            Content::Died { env, .. } => {
                self.hear_of(at, env);
                let known = self.made.envs.iter_mut().rev().find(|it| it.id == env);
                if let Some(known) = known {
                    known.died = Some(at);
                }
            }
            Content::Switched { .. } => self.hear_of(at, record.env),
            _ => {}
        }
    }

    /// Of an environment whose birth is not in the trace.
    fn hear_of(&mut self, at: u64, id: EnvId) {
        let known = self.made.envs.iter().rev().any(|it| it.id == id);
        if !known && id != EnvId::NONE {
            self.made.envs.push(Env {
                id,
                parent: None,
                born: at,
                died: None,
            });
        }
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
