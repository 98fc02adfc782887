//! The checks beside the tests: formatting, lints, documentation.
//!
//! Host crates are checked for the host and guest crates for the guest, each
//! with every warning counted as an error.

use std::process::Command;

use crate::build::inner_cargo;
use crate::build::plan::Plan;
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
const PLANTED_KERNEL: &[&str] = &["-p", "kernel", "--features", "plant"];
const DENY_WARNINGS: &[&str] = &["--", "-Dwarnings"];

/// All of them, quickest first.
pub fn all(workspace: &Workspace, plan: &Plan) -> Vec<Check> {
    let host = |name, subcommand: &str, arguments: &[&str]| {
        let mut command = host_cargo::command(workspace, subcommand);
        command.args(arguments).env("RUSTDOCFLAGS", "-Dwarnings");
        Check {
            name,
            command,
            repeat: format!("cargo {subcommand} {}", arguments.join(" ")),
        }
    };
    let guest = |name: &'static str, subcommand: &str, arguments: &[&[&str]]| {
        let arguments = arguments.concat();
        let mut command = inner_cargo::command(workspace, plan, subcommand, "guest");
        command.args(&arguments).env("RUSTDOCFLAGS", "-Dwarnings");
        Check {
            name,
            command,
            repeat: format!("./jostle test {name}"),
        }
    };
    vec![
        host("format", "fmt", &["--all", "--check"]),
        host(
            "lints::host",
            "clippy",
            &["--all-targets", "--", "-Dwarnings"],
        ),
        guest("lints::guest", "clippy", &[GUEST_PACKAGES, DENY_WARNINGS]),
        guest("lints::planted", "clippy", &[PLANTED_KERNEL, DENY_WARNINGS]),
        host("docs::host", "doc", &["--no-deps"]),
        guest("docs::guest", "doc", &[&["--no-deps"], GUEST_PACKAGES]),
    ]
}
