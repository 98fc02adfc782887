//! A schedule that `explore` has written, opened to be stepped through.
//!
//! The hard thing is that the file names programs and does not hold them; what the
//! words in it build must be what was explored.

use std::ffi::OsString;
use std::path::Path;

use pc::boot::Setup;
use pc::plan::{Chosen, Plan};
use schedules::Schedule;

use crate::simulated::digests;
use crate::status::usage;

/// How the names of such files end.
pub const EXTENSION: &str = "schedule";

/// Whether a path is meant for one.
pub fn is_one(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == EXTENSION)
}

/// Reads one.
pub fn read(path: &Path) -> anyhow::Result<Schedule> {
    let name = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| usage(format_args!("{name}: {error}")))?;
    text.parse()
        .map_err(|error| usage(format_args!("{name}: {error}")))
}

/// The command line in it.
pub fn words(schedule: &Schedule) -> Vec<OsString> {
    schedule.words.iter().map(OsString::from).collect()
}

/// Says whether these programs are those of the schedule.
pub fn check(schedule: &Schedule, setup: &Setup) -> anyhow::Result<()> {
    match digests(setup, None) == schedule.files {
        true => Ok(()),
        false => Err(usage(
            "the program is not the one that was explored: the schedule means nothing for it",
        )),
    }
}

/// What it says.
pub fn plan(schedule: &Schedule) -> Plan {
    Plan::Chosen(Chosen::new(&schedule.choices))
}
