//! A failing run as a file: what was booted, and what was chosen.
//!
//! ```text
//! jostle schedule 2
//! word lostwake
//! word --cpus=2
//! file 4f0c3b0aa4f0fd4b3f0f9a25e64b95e2
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

/// Its number changes with the format, and when decisions fall elsewhere: then older
/// files mean nothing.
const FIRST_LINE: &str = "jostle schedule 2";

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// What is run, and on which machine: words of a command line, none with a line's
    /// end in it.
    pub words: Vec<String>,
    /// The files of the boot modules as numbers, in their order.
    pub files: Vec<u128>,
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
        for word in &self.words {
            writeln!(f, "word {word}")?;
        }
        for file in &self.files {
            writeln!(f, "file {file:032x}")?;
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
        match in_order && !schedule.words.is_empty() && !schedule.files.is_empty() {
            true => Ok(schedule),
            false => Err(Malformed::Unknown),
        }
    }
}

impl Schedule {
    fn take(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "word" => self.words.push(rest.to_owned()),
            "file" => self.files.push(u128::from_str_radix(rest, 16).ok()?),
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
            words: vec!["prog".to_owned(), "--cpus=2".to_owned(), "a b".to_owned()],
            files: vec![digest(b"file")],
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
            parse(&text.replace("schedule 2", "schedule 1")),
            Err(Malformed::Unknown)
        );
        assert_eq!(
            parse(&text.replace("at 9", "at 4")),
            Err(Malformed::Unknown)
        );
        for (old, new, line) in [
            ("word prog", "wort prog", 2),
            ("file ", "file x", 5),
            ("ring 0", "ring x", 7),
        ] {
            let error = parse(&text.replace(old, new)).expect_err("wrong");
            assert!(
                matches!(error, Malformed::Line(at, _) if at == line),
                "{error}"
            );
        }
    }
}
