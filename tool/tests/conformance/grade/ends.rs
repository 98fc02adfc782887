//! A grading that is ended before its time leaves nothing behind.
//!
//! The grader of this case boots a machine and never lets it go, so there are a
//! Python, a make, a shell and a stopped QEMU to be left.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use super::course::Course;
use crate::command_line::no_process_with;

/// A grading that stands.
struct Standing {
    child: Child,
    /// The beginning of the name of its folder, which is on every command line.
    folder: String,
}

impl Standing {
    fn start(name: &str) -> Result<Self, Failed> {
        let course = Course::with(name, &["hello"])?;
        let mut child = course
            .command(&["--lab", "4"])
            .stdout(Stdio::piped())
            .spawn()?;
        let folder = format!("jostle-grade-{}-", child.id());
        let output = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(output).lines();
        if !lines.any(|line| line.is_ok_and(|line| line == "it stands")) {
            return Err("it ended without having stood".into());
        }
        Ok(Self { child, folder })
    }

    /// Its folders among the temporary ones.
    fn folders(&self) -> Result<Vec<std::path::PathBuf>, Failed> {
        let entries = std::fs::read_dir(std::env::temp_dir())?.flatten();
        let ours = entries.filter(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().starts_with(&self.folder)
        });
        Ok(ours.map(|entry| entry.path()).collect())
    }
}

pub fn signal() -> Result<(), Failed> {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut standing = Standing::start(&format!("signal-{status}"))?;
        kill_process(Pid::from_child(&standing.child), signal)?;
        let ended = standing.child.wait()?;
        if ended.code() != Some(status) {
            return Err(format!("{ended} instead of {status}").into());
        }
        no_process_with(&standing.folder)?;
        let left = standing.folders()?;
        if !left.is_empty() {
            return Err(format!("left behind: {left:?}").into());
        }
    }
    Ok(())
}

pub fn killed() -> Result<(), Failed> {
    if which::which("setpriv").is_err() {
        // Without it there is no safe way to arrange for this; `doctor` says so.
        return Ok(());
    }
    let mut standing = Standing::start("killed")?;
    standing.child.kill()?;
    standing.child.wait()?;
    // QEMU gives itself a moment to end in order.
    let deadline = Instant::now() + Duration::from_secs(20);
    while no_process_with(&standing.folder).is_err() && Instant::now() < deadline {}
    no_process_with(&standing.folder)?;
    // This it cannot take away itself.
    for folder in standing.folders()? {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}
