//! Runs a program under many schedules, to find one under which it fails.
//!
//! First it runs as the machine would on its own, which says how long a run is; then
//! with random priorities; then with few pre-emptions, all of them. The hard thing is
//! to say what was covered when nothing was found: not more than that.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use pc::Pc;
use pc::boot::Setup;
use pc::plan::{Chosen, Plan};
use regex_lite::Regex;
use schedules::bounded::Search;
use schedules::failure::is_death;
use schedules::schedule::digest;
use schedules::{Choices, Criteria, Outcome, Schedule, Trials};
use sim::machine::{Machine, Store};

use super::say::say;
use super::story;
use crate::boot::Asked;
use crate::cli::{Explore, MachineKind};
use crate::debug::programs::Programs;
use crate::debug::scheduled::EXTENSION;
use crate::host::Host;
use crate::quoting::shell_word;
use crate::simulated::boot::setup_of;
use crate::status::{self, usage};
use crate::workspace::Workspace;

/// What a line says that is a failure, unless told otherwise.
const BUG: &str = r"\bBUG\b";
/// A run is given up when it is this many times as long as one alone.
const TIMES: u64 = 20;
/// As [`TIMES`], for short programs, in positions.
const AT_LEAST: u64 = 200_000;
/// The longest run that can be explored.
const LONGEST: u64 = 50_000_000;
/// Where schedules go, below the root.
const FOLDER: &str = "target/schedules";
/// The most runs to make a schedule short.
const SHRINKING: u64 = 2000;

/// Explores; the status says whether nothing was found.
pub fn explore(options: &Explore) -> anyhow::Result<u8> {
    let wanted = check(options)?;
    let workspace = Workspace::locate();
    let asked = Asked::check(&workspace, &options.run)?;
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
        most: LONGEST,
    };
    let Some(found) = search(options, &mut trials, &mut criteria) else {
        return Ok(status::CLEAN);
    };
    let runs = trials.runs;
    let taken = begun.elapsed().as_secs_f64();
    let long = found.choices.len();
    let short = trials.shrink(found, &criteria, SHRINKING);
    say(format_args!("found after {runs} runs, in {taken:.1} s"));
    if let Some(failure) = &short.failure {
        say(format_args!("{failure}"));
    }
    let segments = trials.tell(&short.choices, &criteria);
    let (few, long) = (short.choices.len(), long - short.choices.len());
    say(format_args!("{few} choices matter, {long} did not:"));
    story::print(trials.pc(), &programs, &segments);
    save(options, &workspace, &setup, short.choices)?;
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
        (run.timeout.is_some(), "--timeout"),
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

/// Searches, and says how far it came. Returns the run that fails, if one does.
/// The length of a run alone decides how long one may be.
fn search(
    options: &Explore,
    trials: &mut Trials<'_>,
    criteria: &mut Criteria<'_>,
) -> Option<Outcome> {
    let alone = trials.run(&[], criteria);
    let longest = alone.positions.saturating_mul(TIMES).max(AT_LEAST);
    criteria.most = longest.min(LONGEST);
    if alone.failure.is_some() {
        return Some(alone);
    }
    say(format_args!(
        "alone: {} positions, {} decisions; no failure",
        alone.positions, alone.decisions
    ));
    let mut given_up = 0;
    for seed in 0..options.seeds {
        let outcome = trials.run_at_random(seed, alone.decisions, criteria);
        if outcome.failure.is_some() {
            return Some(outcome);
        }
        given_up += u64::from(outcome.positions >= criteria.most);
    }
    say(format_args!(
        "random priorities: {} runs; no failure{}",
        options.seeds,
        too_long(given_up)
    ));
    let mut search = Search::new(criteria, options.bound);
    let found = search.run(trials, |_| true);
    let coverage = search.coverage;
    if found.is_none() {
        say(format_args!(
            "all schedules with at most {} pre-emptions: {} followed, {} states; no failure{}",
            options.bound,
            coverage.schedules,
            coverage.states,
            too_long(coverage.given_up)
        ));
    }
    found
}

fn too_long(runs: u64) -> String {
    match runs {
        0 => String::new(),
        runs => format!("; {runs} were given up because they took too long"),
    }
}

/// Writes the schedule to its file, and says how to open it.
fn save(
    options: &Explore,
    workspace: &Workspace,
    setup: &Setup,
    choices: Choices,
) -> anyhow::Result<()> {
    let Some(words) = options.run.words() else {
        say(format_args!("no file: an argument has more than one line"));
        return Ok(());
    };
    let files = setup.modules.iter().map(|module| digest(&module.file));
    let schedule = Schedule {
        words,
        files: files.collect(),
        choices,
    };
    let path = match &options.save {
        Some(path) => path.clone(),
        None => {
            let program = options.run.program.clone().unwrap_or_default();
            let name = Path::new(&program).file_name().unwrap_or_default();
            let folder = workspace.root().join(FOLDER);
            std::fs::create_dir_all(&folder).context(FOLDER)?;
            folder.join(name).with_extension(EXTENSION)
        }
    };
    std::fs::write(&path, schedule.to_string()).with_context(|| path.display().to_string())?;
    let shown = path.strip_prefix(workspace.root()).unwrap_or(&path);
    say(format_args!(
        "step through it: ./jostle debug {}",
        shell_word(shown.as_os_str())
    ));
    Ok(())
}
