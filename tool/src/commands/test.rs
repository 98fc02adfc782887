//! `jostle test`: every check there is, counted in one last line.
//!
//! Formatting, lints and documentation are checks of one outcome each; then
//! `cargo test` runs the host's tests and the QEMU cases, whose own counts are
//! read from its output as it passes by. What continuous integration runs is
//! exactly this.
//!
//! The hard thing is a test that hangs. Silence does not tell: on a slow machine
//! compiling takes longer than any test should. So each case has a limit of
//! its own, by a clock that stands still while other programs have the CPUs,
//! and nothing else has one. See docs/decisions/0007-time-limits.md.

mod checks;
mod count;
mod quick;
mod slow;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;

use anyhow::Context;

use self::checks::Check;
use self::count::Tally;
use self::slow::Slow;
use crate::build::guest::{self, Kernel};
use crate::build::plan::Plan;
use crate::cli::Test;
use crate::external;
use crate::fair_clock::{self, FairClock};
use crate::host_cargo;
use crate::plants;
use crate::process_group::{self, Group};
use crate::report::{note, result};
use crate::status;
use crate::workspace::Workspace;

/// Runs what matches the filter; the last line is the sum.
pub fn test(options: &Test) -> anyhow::Result<u8> {
    if options.filter.as_deref() == Some(quick::NAME) {
        return quick::test();
    }
    let workspace = Workspace::locate();
    let mut tally = Tally::default();
    let prepared = prepare(&workspace);
    match &prepared {
        Ok(plan) => {
            let planted = plants::grow(&workspace).map(|copy| checks::planted(&copy, plan));
            if let Err(error) = &planted {
                note(format_args!("{error:#}"));
                tally.add(false);
            }
            let planted = planted.unwrap_or_default();
            for check in checks::all(&workspace, plan).into_iter().chain(planted) {
                if matches(options, check.name) {
                    tally.add(run_check(check)?);
                }
            }
            if let Err(error) = build_guests(&workspace, plan) {
                note(format_args!("{error:#}"));
                tally.add(false);
            }
        }
        // Without a compiler for the guest nothing can be said about it, but
        // the host's tests can still run.
        Err(error) => {
            note(format_args!("{error:#}"));
            tally.add(false);
        }
    }
    let filter = options.filter.iter();
    let arguments = filter.flat_map(|filter| ["--", filter]);
    tally += cargo_test(&workspace, arguments)?;
    if tally.is_empty() {
        note("nothing has a name that contains the filter");
    }
    Ok(sum(tally))
}

/// The last line, and the status that goes with it.
fn sum(tally: Tally) -> u8 {
    result(format_args!("{tally}\n"));
    if tally.is_good() {
        status::CLEAN
    } else {
        status::FAILURE
    }
}

fn prepare(workspace: &Workspace) -> anyhow::Result<Plan> {
    external::QEMU.find_or_obtain()?;
    Plan::make(workspace)
}

/// What the QEMU cases boot, and the tests of the copy with planted bugs. The
/// first of them would build it otherwise, and seem to hang.
fn build_guests(workspace: &Workspace, plan: &Plan) -> anyhow::Result<()> {
    for kernel in [Kernel::Plain, Kernel::Planted] {
        guest::build(workspace, plan, kernel)?;
    }
    plants::core_tests(workspace)?;
    Ok(())
}

fn matches(options: &Test, name: &str) -> bool {
    options
        .filter
        .as_ref()
        .is_none_or(|filter| name.contains(filter.as_str()))
}

/// Runs one check; shows its output only if it fails.
fn run_check(check: Check) -> anyhow::Result<bool> {
    result(format_args!("check {} ... ", check.name));
    let start = Instant::now();
    let mut command = check.command;
    let output = process_group::output(command.stdin(Stdio::null()))
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let passed = output.status.success();
    let verdict = if passed { "ok" } else { "FAILED" };
    let seconds = start.elapsed().as_secs_f64();
    result(format_args!("{verdict} ({seconds:.1} s)\n"));
    if !passed {
        result(String::from_utf8_lossy(&output.stdout));
        result(String::from_utf8_lossy(&output.stderr));
        result(format_args!("to repeat it: {}\n", check.repeat));
    }
    Ok(passed)
}

/// The host's tests and the QEMU cases, shown as they come.
fn cargo_test<'a>(
    workspace: &Workspace,
    arguments: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<Tally> {
    let mut command = host_cargo::command(workspace, "test");
    command.arg("--no-fail-fast").args(arguments);
    if std::env::var_os(slow::THREADS).is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        command.env(slow::THREADS, cores.max(slow::LEAST_THREADS).to_string());
    }
    let mut running = Group::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))
        .context("cannot start cargo")?;
    let output = running.stdout().context("cargo has no output")?;
    let mut clock = FairClock::of(running.id());
    let mut slow = Slow::default();
    let mut tally = Tally::default();
    let lines = lines_of(output);
    loop {
        match lines.recv_timeout(fair_clock::INTERVAL) {
            Ok(line) => {
                let text = String::from_utf8_lossy(&line);
                result(&text);
                tally.read(&text);
                slow.read(&text, clock.read());
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(name) = slow.overdue(clock.read()) {
            note(format_args!(
                "{name} hangs; its test binary was stopped, and what else is in it left out"
            ));
            tally.add(false);
            slow = Slow::default();
            running.kill_children();
        }
    }
    let succeeded = running.wait()?.success();
    if !succeeded && tally.failed == 0 {
        // Something did not compile, or a test binary ended without a summary.
        tally.add(false);
    }
    Ok(tally)
}

/// The lines of a stream, as they come; their ends belong to them.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(1..) if sender.send(line).is_ok() => {}
                _ => return,
            }
        }
    });
    lines
}
