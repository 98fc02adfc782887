//! The checks beside the tests: formatting, lints, documentation.
//!
//! Host crates are checked for the host and guest crates for the guest, each
//! with every warning counted as an error.

use std::process::Command;

use crate::build::inner_cargo;
use crate::build::plan::Plan;
use crate::called;
use crate::host_cargo;
use crate::workspace::Workspace;

/// A command whose success is the outcome.
pub struct Check {
    /// What it is called, also for the filter.
    pub name: &'static str,
    /// The command.
    pub command: Command,
    /// How a person repeats it.
    pub repeat: String,
}

const GUEST_PACKAGES: &[&str] = &[
    "-p", "runtime", "-p", "kernel", "-p", "user", "-p", "programs",
];
const DENY_WARNINGS: &[&str] = &["--", "-Dwarnings"];

/// All of the tree itself, quickest first.
pub fn all(workspace: &Workspace, plan: &Plan) -> Vec<Check> {
    let host = |name, subcommand: &str, arguments: &[&str]| Check {
        repeat: format!("cargo {subcommand} {}", arguments.join(" ")),
        ..host(workspace, name, subcommand, arguments)
    };
    let guest = |name, subcommand: &str, arguments: &[&[&str]]| {
        guest(workspace, plan, name, subcommand, arguments)
    };
    vec![
        host("format", "fmt", &["--all", "--check"]),
        host(
            "lints::host",
            "clippy",
            &["--all-targets", "--", "-Dwarnings"],
        ),
        guest("lints::guest", "clippy", &[GUEST_PACKAGES, DENY_WARNINGS]),
        host("docs::host", "doc", &["--no-deps"]),
        guest("docs::guest", "doc", &[&["--no-deps"], GUEST_PACKAGES]),
    ]
}

/// Those of the copy that has planted bugs. What it shares with the tree is not
/// checked again.
pub fn planted(copy: &Workspace, plan: &Plan) -> Vec<Check> {
    let tests = ["-p", "planted", "--tests", "--", "-Dwarnings"];
    let kernel: &[&str] = &["-p", "kernel"];
    vec![
        host(copy, "format::planted", "fmt", &["--all", "--check"]),
        host(copy, "lints::planted_tests", "clippy", &tests),
        guest(
            copy,
            plan,
            "lints::planted",
            "clippy",
            &[kernel, DENY_WARNINGS],
        ),
    ]
}

fn host(workspace: &Workspace, name: &'static str, subcommand: &str, arguments: &[&str]) -> Check {
    let mut command = host_cargo::command(workspace, subcommand);
    command.args(arguments).env("RUSTDOCFLAGS", "-Dwarnings");
    Check {
        name,
        command,
        repeat: format!("{} test {name}", called::here()),
    }
}

fn guest(
    workspace: &Workspace,
    plan: &Plan,
    name: &'static str,
    subcommand: &str,
    arguments: &[&[&str]],
) -> Check {
    let mut command = inner_cargo::command(workspace, plan, subcommand, "guest");
    command
        .args(arguments.concat())
        .env("RUSTDOCFLAGS", "-Dwarnings");
    Check {
        name,
        command,
        repeat: format!("{} test {name}", called::here()),
    }
}
