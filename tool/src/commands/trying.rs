//! `jostle try`: runs a program under many schedules, and compares what it prints with
//! what it should.
//!
//! `explore` looks for a failure that nobody expects, takes its time, and makes what it finds
//! short; this is the test that runs after every change. The first schedule is the machine's
//! own, the others are `explore`'s random priorities. The hard thing is to be judged by all
//! lines: a schedule is searched for one that is wrong, and here one may be missing. What
//! is found is shown as it was; `shortest` makes it short and tells it.

mod shortest;
mod words;

use std::cell::RefCell;

use schedules::failure::is_death;
use schedules::{Criteria, Failure, Outcome, Trials};
use sim::machine::Store;

use self::shortest::Failing;
use super::explore::file::ScheduleFile;
use super::explore::program::booted;
use crate::boot::Asked;
use crate::cli::{MachineKind, Try};
use crate::host::Host;
use crate::plants;
use crate::report::{line, result};
use crate::simulated::boot::setup_of;
use crate::status::{self, usage};
use crate::workspace::Workspace;

/// The first run may be so long, in positions of the machine.
const LONGEST: u64 = 50_000_000;
/// The others may be longer than the first by this factor,
const TIMES: u64 = 100;
/// or so long.
const AT_LEAST: u64 = 2_000_000;
/// Lines of the console that are shown of a run that failed.
const SHOWN: usize = 40;

/// Tries; the status says whether all went well.
pub fn try_out(options: &Try) -> anyhow::Result<u8> {
    check(options)?;
    let workspace = Workspace::locate();
    let asked = Asked::check(&workspace, &options.run)?;
    plants::tool::take_over(&workspace, &options.run.append)?;
    let host = Host::without_emulator()?;
    let boot = asked.build(&host)?;
    boot.announce(false);
    let setup = setup_of(workspace.root(), &boot.machine, true)?;
    let mut store = Store::new(&setup.spec());
    let mut trials = Trials::new(booted(&mut store, &setup, options.run.store_buffers)?);
    let console = RefCell::new(Vec::new());
    let mut criteria = Criteria {
        line: &|line| {
            console.borrow_mut().push(line.to_owned());
            fails(line, options)
        },
        prints: &options.prints,
        hang: !options.may_wait,
        audit: options.run.audit,
        most: LONGEST,
    };
    let mut decisions = 0;
    for number in 0..options.schedules {
        console.borrow_mut().clear();
        let outcome = match number {
            0 => trials.run(&[], &criteria),
            seed => trials.run_at_random(seed, decisions, &criteria),
        };
        let lines = console.borrow();
        let ended = trials.pc().has_ended();
        if let Some(failure) = failure(&outcome, ended, criteria.most, options) {
            report(options, number, &lines, &failure);
            let behind = format!("-{}", number + 1);
            let file = ScheduleFile::named_after(&options.run, &behind, &workspace)?;
            if options.shortest && outcome.failure.is_some() {
                let failing = Failing {
                    run: &options.run,
                    workspace: &workspace,
                    boot: &boot,
                    setup: &setup,
                    criteria: Criteria {
                        line: &|line| fails(line, options),
                        ..criteria
                    },
                };
                failing.tell(&mut trials, outcome, file)?;
            } else {
                file.write(&options.run, &setup, outcome.choices)?;
            }
            return Ok(status::FAILURE);
        }
        if number == 0 {
            decisions = outcome.decisions;
            let longest = outcome.positions.saturating_mul(TIMES);
            criteria.most = longest.clamp(AT_LEAST, LONGEST);
        }
    }
    let schedules = match options.schedules {
        1 => "1 schedule".to_owned(),
        count => format!("{count} schedules"),
    };
    result(format_args!("{schedules}, no failure\n"));
    Ok(status::CLEAN)
}

/// Refuses what makes no sense.
fn check(options: &Try) -> anyhow::Result<()> {
    let run = &options.run;
    if run.machine != Some(MachineKind::Sim) {
        return Err(usage("try is for the simulated machine"));
    }
    if run.program.is_none() {
        return Err(usage("what is to be tried? the prompt waits for input"));
    }
    run.refuse_for("try")
}

/// What the line has in it that no line may have.
fn forbidden<'o>(line: &str, options: &'o Try) -> Option<&'o String> {
    options
        .never_prints
        .iter()
        .find(|text| line.contains(*text))
}

/// Whether this line alone is a failure.
fn fails(line: &str, options: &Try) -> bool {
    is_death(line) || forbidden(line, options).is_some()
}

/// What is wrong with a run.
fn failure(outcome: &Outcome, ended: bool, most: u64, options: &Try) -> Option<String> {
    match &outcome.failure {
        Some(Failure::Line(line)) => Some(match forbidden(line, options) {
            Some(text) => format!("it prints {text:?}"),
            None => "an environment is killed".into(),
        }),
        Some(other) => Some(other.to_string()),
        None if ended => None,
        None if outcome.positions < most => Some("it waits for input, and none comes".into()),
        None => Some(format!("it has not ended after {most} positions")),
    }
}

fn report(options: &Try, number: u64, lines: &[String], failure: &str) {
    line(format_args!(
        "schedule {} of {} fails: {failure}",
        number + 1,
        options.schedules
    ));
    // A line that was not ended is one, and so is nothing.
    let lines = lines.strip_suffix(&[String::new()]).unwrap_or(lines);
    let left_out = lines.len().saturating_sub(SHOWN);
    if left_out > 0 {
        line(format_args!("  ... {left_out} lines, and then"));
    }
    for shown in &lines[left_out..] {
        line(format_args!("  {shown}"));
    }
}
