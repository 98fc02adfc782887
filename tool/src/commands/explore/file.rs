//! The file for a schedule that fails.
//!
//! The hard thing is to know before a long search that it can be written, without
//! leaving an empty one behind if nothing is found.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use anyhow::Context;
use pc::boot::Setup;
use schedules::schedule::digest;
use schedules::{Choices, Schedule};

use super::say::say;
use crate::called;
use crate::cli::{Explore, Run};
use crate::debug::scheduled::EXTENSION;
use crate::quoting::shell_word;
use crate::status::usage;
use crate::workspace::Workspace;

/// Where schedules go, below the target folder.
const FOLDER: &str = "schedules";

/// A file that could be written when the search began.
pub struct ScheduleFile(PathBuf);

impl ScheduleFile {
    /// The file that is asked for, or one with the program's name.
    pub fn check(options: &Explore, workspace: &Workspace) -> anyhow::Result<ScheduleFile> {
        let path = match &options.save {
            Some(path) => path.clone(),
            None => ScheduleFile::named_after(&options.run, "", workspace)?.0,
        };
        if path.extension().is_none_or(|word| word != EXTENSION) {
            return Err(usage(format_args!(
                "--save: `debug` opens files whose names end in .{EXTENSION}"
            )));
        }
        let was_there = path.exists();
        let opened = OpenOptions::new().append(true).create(true).open(&path);
        opened.map_err(|error| usage(format_args!("{}: {error}", path.display())))?;
        if !was_there {
            std::fs::remove_file(&path)?;
        }
        Ok(ScheduleFile(path))
    }

    /// One with the program's name and something behind it.
    pub fn named_after(
        run: &Run,
        behind: &str,
        workspace: &Workspace,
    ) -> anyhow::Result<ScheduleFile> {
        let program = run.program.clone().unwrap_or_default();
        let name = Path::new(&program).file_stem();
        let mut name = name.unwrap_or(OsStr::new("program")).to_owned();
        name.push(behind);
        name.push(".");
        name.push(EXTENSION);
        let folder = workspace.target().join(FOLDER);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(ScheduleFile(folder.join(name)))
    }

    /// Writes the schedule, and says how to open it.
    pub fn write(self, run: &Run, setup: &Setup, choices: Choices) -> anyhow::Result<()> {
        if let Some(path) = self.save(run, setup, choices)? {
            say(format_args!(
                "step through it: {} debug {}",
                called::here(),
                shell_word(path.as_os_str())
            ));
        }
        Ok(())
    }

    /// Writes the schedule. Returns the file, as it is called from here; if there can be
    /// none, that is said.
    pub fn save(
        self,
        run: &Run,
        setup: &Setup,
        choices: Choices,
    ) -> anyhow::Result<Option<PathBuf>> {
        let Some(words) = run.words() else {
            say(format_args!("no file: an argument has more than one line"));
            return Ok(None);
        };
        let files = setup.modules.iter().map(|module| digest(&module.file));
        let schedule = Schedule {
            words,
            files: files.collect(),
            choices,
        };
        let ScheduleFile(path) = self;
        std::fs::write(&path, schedule.to_string()).with_context(|| path.display().to_string())?;
        let here = std::env::current_dir().unwrap_or_default();
        let shown = path.strip_prefix(here).unwrap_or(&path);
        Ok(Some(shown.to_owned()))
    }
}
