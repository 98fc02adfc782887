//! What there is to debug: a program, or a file that somebody's run has left.
//!
//! The hard thing is that such a file says all of the run: the command line in it is
//! read as if somebody had typed it, and what is typed beside it must not contradict.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use schedules::Schedule;

use super::recorded::{self, Recorded};
use super::scheduled;
use crate::cli::{self, Command, Debug};
use crate::regular_file::refusal;
use crate::workspace::Workspace;

/// What can be said beside a file: how it is looked at.
const BESIDE: [&str; 7] = [
    "program",
    "--at",
    "--machine",
    "--batch",
    "--plain",
    "--execute",
    "--timeout",
];

/// A run to debug.
pub struct Opened {
    /// What was asked for; of a file, what it says.
    pub asked: Debug,
    /// Where from.
    pub source: Source,
}

/// Where a request comes from.
pub enum Source {
    /// From the command line.
    CommandLine,
    /// From a schedule.
    Schedule(Schedule),
    /// From a record.
    Record(Recorded),
}

/// Opens what is asked for.
pub fn open(workspace: &Workspace, options: &Debug) -> anyhow::Result<Opened> {
    let Some(path) = options.run.program.as_deref().map(Path::new) else {
        return Ok(typed(options));
    };
    let (words, source) = if scheduled::is_one(path) {
        let schedule = scheduled::read(path)?;
        (scheduled::words(&schedule), Source::Schedule(schedule))
    } else if recorded::is_one(workspace, path)? {
        let record = recorded::read(path)?;
        (record.words(), Source::Record(record))
    } else {
        return Ok(typed(options));
    };
    let further = options.given.iter();
    if let Some(word) = further
        .clone()
        .find(|word| !BESIDE.contains(&word.as_str()))
    {
        let word = if word == "args" {
            "further words"
        } else {
            word
        };
        let why = format_args!("it says what is run and how: no {word} beside it");
        return Err(refusal(path, why));
    }
    let mut asked = read(words).ok_or_else(|| refusal(path, "its words cannot be understood"))?;
    asked.run = asked
        .run
        .with_files(|file| Ok::<_, anyhow::Error>(found(file, path)))?;
    asked.run.timeout = options.run.timeout;
    asked.at = options.at;
    asked.batch.clone_from(&options.batch);
    asked.execute.clone_from(&options.execute);
    asked.plain = options.plain;
    Ok(Opened { asked, source })
}

fn typed(options: &Debug) -> Opened {
    Opened {
        asked: options.clone(),
        source: Source::CommandLine,
    }
}

/// A command line without its first two words.
fn read(words: Vec<OsString>) -> Option<Debug> {
    let begin = ["jostle", "debug"].map(OsString::from);
    match cli::read(&[&begin[..], &words].concat()).ok()?.command {
        Command::Debug(asked) => Some(asked),
        _ => None,
    }
}

/// Where a file is that the run had: there, or else beside the file that speaks of it,
/// which may have come from another machine.
fn found(file: &Path, speaks: &Path) -> PathBuf {
    let beside = || {
        let beside = std::path::absolute(speaks).ok()?;
        Some(beside.with_file_name(file.file_name()?))
    };
    match beside().filter(|beside| !file.exists() && beside.exists()) {
        Some(beside) => beside,
        None => file.to_owned(),
    }
}
