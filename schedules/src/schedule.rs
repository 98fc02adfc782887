//! A failing run as a file: what was booted, and what was chosen.
//!
//! ```text
//! jostle schedule 1
//! cpus 2
//! memory 16
//! store-buffers off
//! append
//! module 1 4f0c…e2 lostwake
//! at 132 switch 1
//! at 140 ring 0
//! at 141 drain 0
//! ```
//!
//! The hard thing is that the file holds no program. So it has a number for each, and
//! whoever opens it sees whether the program has changed.

use crate::Choices;
use kcore::CpuId;
use pc::plan::Choice;
use sim::explorer::state::Mixer;
use std::fmt;
use std::hash::Hasher;
use std::str::FromStr;
use thiserror::Error;

const FIRST_LINE: &str = "jostle schedule 1";

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// How many CPUs.
    pub cpus: u8,
    /// How much memory, in MiB.
    pub memory_mib: u32,
    /// Whether stores go to buffers.
    pub store_buffers: bool,
    /// What the kernel was told.
    pub append: String,
    /// The boot modules: what their files were as a number, and their strings without
    /// the path, in the words of `jostle run`.
    pub modules: Vec<(u128, String)>,
    /// The choices.
    pub choices: Choices,
}

/// What is wrong with a file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Malformed {
    /// It is something else.
    #[error("no schedule of this version")]
    Unknown,
    /// A line cannot be understood.
    #[error("line {0} cannot be understood: {1}")]
    Line(usize, String),
}

/// A file as a number.
pub fn digest(file: &[u8]) -> u128 {
    let mut mixer = Mixer::default();
    mixer.write_usize(file.len());
    mixer.write(file);
    mixer.both()
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        writeln!(f, "cpus {}", self.cpus)?;
        writeln!(f, "memory {}", self.memory_mib)?;
        let buffers = if self.store_buffers { "on" } else { "off" };
        writeln!(f, "store-buffers {buffers}")?;
        writeln!(f, "append {}", self.append)?;
        for (digest, words) in &self.modules {
            writeln!(f, "module {digest:032x} {words}")?;
        }
        for (at, choice) in &self.choices {
            let (word, cpu) = match choice {
                Choice::Switch(cpu) => ("switch", cpu),
                Choice::Ring(cpu) => ("ring", cpu),
                Choice::Drain(cpu) => ("drain", cpu),
            };
            writeln!(f, "at {at} {word} {}", cpu.0)?;
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Schedule, Malformed> {
        let mut lines = text.lines().enumerate();
        if lines.next().is_none_or(|(_, line)| line != FIRST_LINE) {
            return Err(Malformed::Unknown);
        }
        let mut schedule = Schedule::default();
        for (index, line) in lines {
            let malformed = || Malformed::Line(index + 1, line.to_owned());
            schedule.take(line).ok_or_else(malformed)?;
        }
        let in_order = schedule.choices.is_sorted_by(|a, b| a.0 < b.0);
        let whole = (1..=8).contains(&schedule.cpus) && schedule.memory_mib > 0;
        match in_order && whole && !schedule.modules.is_empty() {
            true => Ok(schedule),
            false => Err(Malformed::Unknown),
        }
    }
}

impl Schedule {
    fn take(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "cpus" => self.cpus = rest.parse().ok()?,
            "memory" => self.memory_mib = rest.parse().ok()?,
            "store-buffers" => {
                self.store_buffers = match rest {
                    "on" => true,
                    "off" => false,
                    _ => return None,
                }
            }
            "append" => rest.clone_into(&mut self.append),
            "module" => {
                let (digest, words) = rest.split_once(' ')?;
                let digest = u128::from_str_radix(digest, 16).ok()?;
                self.modules.push((digest, words.to_owned()));
            }
            "at" => self.choices.push(choice(rest)?),
            _ => return None,
        }
        Some(())
    }
}

fn choice(words: &str) -> Option<(u64, Choice)> {
    let mut words = words.split(' ');
    let at = words.next()?.parse().ok()?;
    let kind = words.next()?;
    let cpu = CpuId(words.next()?.parse().ok()?);
    let choice = match kind {
        "switch" => Choice::Switch(cpu),
        "ring" => Choice::Ring(cpu),
        "drain" => Choice::Drain(cpu),
        _ => return None,
    };
    words.next().is_none().then_some((at, choice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Schedule {
        Schedule {
            cpus: 2,
            memory_mib: 16,
            store_buffers: true,
            append: "lifecycle=off".to_owned(),
            modules: vec![(digest(b"file"), "prog a b".to_owned())],
            choices: vec![
                (3, Choice::Switch(CpuId(1))),
                (5, Choice::Ring(CpuId(0))),
                (9, Choice::Drain(CpuId(1))),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = example().to_string();
        assert_eq!(text.parse(), Ok(example()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = example().to_string();
        let parse = |text: &str| text.parse::<Schedule>();
        assert_eq!(parse(""), Err(Malformed::Unknown));
        assert_eq!(
            parse(&text.replace("schedule 1", "schedule 2")),
            Err(Malformed::Unknown)
        );
        assert_eq!(
            parse(&text.replace("at 9", "at 4")),
            Err(Malformed::Unknown)
        );
        assert_eq!(
            parse(&text.replace("cpus 2", "cpus 9")),
            Err(Malformed::Unknown)
        );
        for (old, new, line) in [("ring 0", "ring x", 8), ("buffers on", "buffers yes", 4)] {
            let error = parse(&text.replace(old, new)).expect_err("wrong");
            assert!(
                matches!(error, Malformed::Line(at, _) if at == line),
                "{error}"
            );
        }
    }
}
