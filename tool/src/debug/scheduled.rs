//! A schedule that `explore` has written, opened to be stepped through.
//!
//! The hard thing is that the file names programs and does not hold them: the command
//! line in it is read as if somebody had typed it, and what it builds must be what was
//! explored.

use std::ffi::OsString;
use std::path::Path;

use pc::boot::Setup;
use schedules::Schedule;
use schedules::schedule::digest;

use crate::cli::{Command, Debug};
use crate::status::usage;

/// How the names of such files end.
pub const EXTENSION: &str = "schedule";

/// The schedule that is asked for, if one is, and the request in it.
pub fn open(options: &Debug) -> anyhow::Result<Option<(Schedule, Debug)>> {
    let Some(path) = options.run.program.as_deref().map(Path::new) else {
        return Ok(None);
    };
    if path
        .extension()
        .is_none_or(|extension| extension != EXTENSION)
    {
        return Ok(None);
    }
    let name = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| usage(format_args!("{name}: {error}")))?;
    let schedule: Schedule = text
        .parse()
        .map_err(|error| usage(format_args!("{name}: {error}")))?;
    let words = ["jostle", "debug"].map(OsString::from).into_iter();
    let words = words.chain(schedule.words.iter().map(OsString::from));
    let asked = crate::cli::parse(words).ok().map(|cli| cli.command);
    let Some(Command::Debug(mut inner)) = asked else {
        return Err(usage(format_args!(
            "{name}: its words cannot be understood"
        )));
    };
    inner.batch.clone_from(&options.batch);
    inner.execute.clone_from(&options.execute);
    inner.plain = options.plain;
    Ok(Some((schedule, inner)))
}

/// Says whether these programs are those of the schedule.
pub fn check(schedule: &Schedule, setup: &Setup) -> anyhow::Result<()> {
    let files: Vec<u128> = setup
        .modules
        .iter()
        .map(|module| digest(&module.file))
        .collect();
    match files == schedule.files {
        true => Ok(()),
        false => Err(usage(
            "the program is not the one that was explored: the schedule means nothing for it",
        )),
    }
}
