//! Another scheduling policy is one file: with the example in round robin's place,
//! the core passes the tests that do not ask for round robin's order.
//!
//! The hard thing is that cargo has features, not variants: a core with the other
//! policy is another build, in a target folder of its own.

use jostle::host_cargo;
use libtest_mimic::Failed;
use std::process::Stdio;

use crate::boot::host;
use crate::trial::Trial;

/// Files of tests in `sim/tests` that promise nothing about who is next. Among them
/// are random programs against the model, with every invariant after each call.
const TESTS: [&str; 6] = ["random", "jobs", "fpu", "heap", "strangers", "user_memory"];

pub fn trials() -> impl Iterator<Item = Trial> {
    std::iter::once(Trial::test("policy::a_lottery", lottery))
}

fn lottery() -> Result<(), Failed> {
    let workspace = &host()?.workspace;
    let mut command = host_cargo::command(workspace, "test");
    command
        .args(["-p", "sim", "--features", "lottery"])
        .args(TESTS.iter().flat_map(|test| ["--test", test]))
        .env("CARGO_TARGET_DIR", workspace.target().join("lottery"))
        .stdin(Stdio::null());
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && said.matches("test result: ok.").count() == TESTS.len() {
        return Ok(());
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}\n{said}{complaints}", output.status).into())
}
