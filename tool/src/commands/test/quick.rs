//! `jostle test quick`: what says most in a minute or two, on any machine with Rust.
//!
//! The tests of the kernel's core and of what it is built on, then the programs on the
//! simulated machine with one CPU and with two. The hard thing is what to leave out:
//! QEMU, formatting and lints, searches that take long, and all that one CPU and two do
//! not show.

use super::cargo::cargo_test;
use crate::build::guest::{self, Kernel};
use crate::build::plan::Plan;
use crate::report::note;
use crate::workspace::Workspace;

/// What it is called.
pub const NAME: &str = "quick";

/// The host's tests.
const PACKAGES: [&str; 15] = [
    "abi",
    "kcore",
    "firmware",
    "launch",
    "checkpoint",
    "shell",
    "monitor",
    "witness",
    "ring3",
    "drill",
    "pc",
    "schedules",
    "admit",
    "page",
    "jostle-test",
];
/// The cases of the simulated machine, without those of more CPUs.
const SIMULATED: [&str; 10] = [
    "-p",
    "jostle",
    "--test",
    "conformance",
    "--",
    "simulated::",
    "--skip",
    "cpus_4",
    "--skip",
    "cpus_8",
];

/// Runs them; the last line is the sum.
pub fn test() -> anyhow::Result<u8> {
    let workspace = Workspace::locate();
    let mut tally = cargo_test(&workspace, PACKAGES.iter().flat_map(|name| ["-p", name]))?;
    let built =
        Plan::make(&workspace).and_then(|plan| guest::build(&workspace, &plan, Kernel::Plain));
    match built {
        Ok(_) => tally += cargo_test(&workspace, SIMULATED)?,
        // Without a compiler for the guest nothing can be said about it.
        Err(error) => {
            note(format_args!("{error:#}"));
            tally.add(false);
        }
    }
    Ok(tally.sum())
}
