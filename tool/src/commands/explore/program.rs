//! Runs a program under many schedules, to find one under which it fails.
//!
//! The hard thing is that a search may take long: whatever can go wrong with what was
//! asked for, the file for the schedule included, is found before it begins.

use std::path::Path;
use std::time::Instant;

use pc::Pc;
use pc::boot::Setup;
use pc::plan::{Chosen, Plan};
use regex_lite::Regex;
use schedules::failure::is_death;
use schedules::{Criteria, Trials};
use sim::machine::{Machine, Store};

use super::file::ScheduleFile;
use super::say::say;
use super::search::{LONGEST, search};
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
    let begun = Instant::now();
    let mut criteria = Criteria {
        line: &line_fails,
        hang: options.hang,
        audit: options.run.audit,
        most: LONGEST,
    };
    let Some(found) = search(options, &mut trials, &mut criteria)? else {
        return Ok(status::CLEAN);
    };
    let runs = trials.runs;
    let taken = begun.elapsed().as_secs_f64();
    let long = found.choices.len();
    let short = trials.shorten(found, &criteria, SHRINKING, SHORTER);
    say(format_args!("found after {runs} runs, in {taken:.1} s"));
    if let Some(failure) = &short.failure {
        say(format_args!("{failure}"));
    }
    let segments = trials.tell(&short.choices, &criteria);
    let (few, long) = (short.choices.len(), long - short.choices.len());
    let matter = if few == 1 {
        "choice matters"
    } else {
        "choices matter"
    };
    say(format_args!("{few} {matter}, {long} did not:"));
    story::print(trials.pc(), &programs, &segments);
    file.write(options, &setup, short.choices)?;
    Ok(status::FAILURE)
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
    let refused = [
        (run.record.is_some(), "--record"),
        (run.trace.is_some(), "--trace"),
        (run.seed.is_some(), "--seed"),
        (run.pace.is_some(), "--pace"),
        (run.disk.is_some(), "--disk"),
        (run.verbose, "--verbose"),
    ];
    if let Some((_, option)) = refused.iter().find(|(given, _)| *given) {
        return Err(usage(format_args!("explore knows no {option}")));
    }
    let pattern = options.fail.as_deref().unwrap_or(BUG);
    Regex::new(pattern).map_err(|error| usage(format_args!("--fail: {error}")))
}

/// The machine, before its first step.
fn booted<'t>(store: &'t mut Store, setup: &Setup, store_buffers: bool) -> anyhow::Result<Pc<'t>> {
    let machine = Machine::new(store, setup.spec());
    let plan = Plan::Chosen(Chosen::new(&[]));
    let mut pc = Pc::with_plan(machine, plan, store_buffers);
    match setup.boot(&mut pc.machine).first() {
        Some(complaint) => Err(usage(complaint)),
        None => Ok(pc),
    }
}
