//! Runs a program under many schedules, to find one under which it fails.
//!
//! The hard thing is that a search may take long: whatever can go wrong with what was
//! asked for, the file for the schedule included, is found before it begins.

use std::path::Path;

use pc::Pc;
use pc::boot::Setup;
use pc::plan::{Chosen, Plan};
use regex_lite::Regex;
use schedules::failure::is_death;
use schedules::{Criteria, Effort, Trials};
use sim::machine::{Machine, Store};

use super::file::ScheduleFile;
use super::say::say;
use super::search::{LONGEST, Limit, search};
use super::story;
use crate::boot::Asked;
use crate::cli::{Explore, MachineKind};
use crate::debug::programs::Programs;
use crate::host::Host;
use crate::plants;
use crate::simulated::boot::setup_of;
use crate::status::{self, usage};
use crate::workspace::Workspace;

/// What a line says that is a failure, unless told otherwise.
const BUG: &str = r"\bBUG\b";
/// The most runs to make a schedule short.
const SHRINKING: u64 = 2000;
/// The most states in a search for a shorter one.
const SHORTER: u64 = 30_000;

/// Explores; the status says whether nothing was found.
pub fn explore(options: &Explore) -> anyhow::Result<u8> {
    let wanted = check(options)?;
    let workspace = Workspace::locate();
    let asked = Asked::check(&workspace, &options.run)?;
    plants::tool::take_over(&workspace, &options.run.append)?;
    let file = ScheduleFile::check(options, &workspace)?;
    let host = Host::without_emulator()?;
    let boot = asked.build(&host)?;
    boot.announce(false);
    let setup = setup_of(workspace.root(), &boot.machine, true)?;
    let mut store = Store::new(&setup.spec());
    let mut trials = Trials::new(booted(&mut store, &setup, options.run.store_buffers)?);
    let roots = [workspace.planted().root(), workspace.root()].map(Path::to_path_buf);
    let modules = &boot.machine.modules;
    let programs = Programs::new(trials.pc(), workspace.root(), roots.to_vec(), modules);
    let line_fails = |line: &str| is_death(line) || wanted.is_match(line);
    let limit = Limit::begin(options.run.timeout);
    let mut criteria = Criteria {
        line: &line_fails,
        prints: &[],
        hang: options.hang,
        audit: options.run.audit,
        most: LONGEST,
    };
    let Some(found) = search(options, &mut trials, &mut criteria, &limit)? else {
        return Ok(status::CLEAN);
    };
    let runs = trials.runs;
    let taken = limit.elapsed().as_secs_f64();
    let long = found.choices.len();
    let mut was_stopped = false;
    let mut is_over = || {
        was_stopped = limit.is_reached();
        was_stopped
    };
    let effort = Effort {
        runs: SHRINKING,
        states: SHORTER,
        is_over: &mut is_over,
    };
    let short = trials.shorten(found, &criteria, effort);
    say(format_args!("found after {runs} runs, in {taken:.1} s"));
    if let Some(failure) = &short.failure {
        say(format_args!("{failure}"));
    }
    let segments = trials.tell(&short.choices, &criteria);
    let few = short.choices.len();
    say(format_args!(
        "{}",
        what_matters(few, long - few, was_stopped)
    ));
    story::print(trials.pc(), &programs, &segments);
    file.write(&options.run, &setup, short.choices)?;
    Ok(status::FAILURE)
}

/// What is known of the choices when so many are left and so many were left out; not
/// that those which are left matter, if the shortening `was_stopped`.
fn what_matters(left: usize, out: usize, was_stopped: bool) -> String {
    let choices = if left == 1 { "choice" } else { "choices" };
    if was_stopped {
        return format!(
            "{left} {choices}, {out} others did not matter; which of the {left} do is not \
             known, because the time was over:"
        );
    }
    let matter = if left == 1 { "matters" } else { "matter" };
    format!("{left} {choices} {matter}, {out} did not:")
}

/// Refuses what makes no sense; returns what a failing line looks like.
fn check(options: &Explore) -> anyhow::Result<Regex> {
    let run = &options.run;
    if run.machine != Some(MachineKind::Sim) {
        return Err(usage("explore is for the simulated machine"));
    }
    if run.program.is_none() {
        return Err(usage("what is to be explored? the prompt waits for input"));
    }
    run.refuse_for("explore")?;
    let pattern = options.fail.as_deref().unwrap_or(BUG);
    Regex::new(pattern).map_err(|error| usage(format_args!("--fail: {error}")))
}

/// The machine, before its first step.
pub fn booted<'t>(
    store: &'t mut Store,
    setup: &Setup,
    store_buffers: bool,
) -> anyhow::Result<Pc<'t>> {
    let machine = Machine::new(store, setup.spec());
    let plan = Plan::Chosen(Chosen::new(&[]));
    let mut pc = Pc::with_plan(machine, plan, store_buffers);
    match setup.boot(&mut pc.machine).first() {
        Some(complaint) => Err(usage(complaint)),
        None => Ok(pc),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_tried_is_not_said_to_matter() {
        assert_eq!(what_matters(1, 4, false), "1 choice matters, 4 did not:");
        assert_eq!(what_matters(2, 0, false), "2 choices matter, 0 did not:");
        assert_eq!(
            what_matters(9, 4, true),
            "9 choices, 4 others did not matter; which of the 9 do is not known, because the \
             time was over:"
        );
    }
}
