//! `jostle test`: every check there is, counted in one last line.
//!
//! Formatting, lints and documentation are checks of one outcome each; then
//! `cargo test` runs the host's tests and the QEMU cases, whose own counts are
//! read from its output as it passes by. What continuous integration runs is
//! exactly this.
//!
//! The hard thing is a machine that lacks something: what can be tested without it
//! still is, and what cannot counts as failed.

mod cargo;
mod checks;
mod count;
mod quick;
mod slow;

use std::process::Stdio;
use std::time::Instant;

use anyhow::Context;

use self::cargo::cargo_test;
use self::checks::Check;
use self::count::Tally;
use crate::build::guest::{self, Kernel};
use crate::build::plan::Plan;
use crate::cli::Test;
use crate::external;
use crate::plants;
use crate::process_group;
use crate::report::{note, result};
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
    Ok(tally.sum())
}

fn prepare(workspace: &Workspace) -> anyhow::Result<Plan> {
    external::QEMU.find_or_obtain()?;
    Plan::make(workspace)
}

/// What the QEMU cases boot, and the tests and the tool of the copy with planted bugs.
/// The first case that wants them would build them otherwise, and seem to hang.
fn build_guests(workspace: &Workspace, plan: &Plan) -> anyhow::Result<()> {
    for kernel in [Kernel::Plain, Kernel::Planted] {
        guest::build(workspace, plan, kernel)?;
    }
    plants::core_tests(workspace)?;
    plants::tool::build(workspace)?;
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
