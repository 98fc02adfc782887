//! Counts of what happened in random runs, to see that enough did.
//!
//! The hard thing about random tests is that they can pass by doing nothing.

use crate::machine::call::Answer;
use abi::{Call, Error};
use std::collections::BTreeMap;
use std::fmt;

/// How often each thing happened.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Calls made.
    pub calls: u64,
    /// Calls that changed the kernel's state.
    pub changes: u64,
    /// The number of living environments, summed over all calls.
    pub alive: u64,
    /// Calls that failed because no frame was available.
    pub starved: u64,
    /// Runs that ended because nothing was left to run.
    pub ends: u64,
    /// Calls, waits and page faults by their results: 0 for success, else the
    /// error.
    pub results: BTreeMap<(&'static str, u32), u64>,
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
            writeln!(f, "  {call:22} {:12} {count:9}", result_name(*result))?;
        }
        Ok(())
    }
}

impl Statistics {
    /// Counts a call, whether it changed anything, and whether it was made while
    /// no frame was available.
    pub(super) fn count(&mut self, call: Call, answer: Answer, changed: bool, starved: bool) {
        let result = match answer {
            Answer::Failed(error) => error as u32,
            Answer::Value(_) | Answer::Left(_) => 0,
        };
        self.calls += 1;
        self.changes += u64::from(changed);
        self.starved += u64::from(starved && result == Error::NoMem as u32);
        self.note(call.name(), result);
    }

    /// Counts a result: 0, or an error.
    pub(super) fn note(&mut self, what: &'static str, result: u32) {
        *self.results.entry((what, result)).or_insert(0) += 1;
    }

    /// Adds the counts of another run.
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

/// The name of a result in [`Statistics::results`].
fn result_name(result: u32) -> String {
    Error::from_value(result).map_or("ok".into(), |error| format!("{error:?}"))
}
