//! `jostle explore --kernel`: the explorer on the tree's core, or on that of the copy
//! with planted bugs.
//!
//! The hard thing is that a planted bug is no part of this program's own core:
//! so the explorer is one more program, built where the bug is.

use anyhow::Context;

use crate::cli::Explore;
use crate::host_cargo;
use crate::plants::{self, Plants};
use crate::status;
use crate::workspace::Workspace;

/// Explores; the status says whether nothing was found.
pub fn explore(options: &Explore) -> anyhow::Result<u8> {
    if !(2..=8).contains(&options.run.cpus) {
        return Err(status::usage("--kernel needs 2 to 8 CPUs"));
    }
    let workspace = Workspace::locate();
    let mut command = match &options.plant {
        None => explorer(&workspace),
        Some(plant) => {
            if !Plants::read(&workspace)?.names().any(|name| name == plant) {
                return Err(status::usage(format_args!("no such planted bug: {plant}")));
            }
            let mut command = explorer(&plants::grow(&workspace)?);
            // What is remembered too long is found sooner where it does harm.
            command.env(plants::VARIABLE, plant).arg("--allow-stale");
            command
        }
    };
    command.args(["--cpus", &options.run.cpus.to_string()]);
    let scenarios = options.run.program.iter().chain(&options.run.args);
    let status = command.args(scenarios).status();
    let status = status.context("cannot start cargo")?;
    Ok(if status.success() {
        status::CLEAN
    } else {
        status::FAILURE
    })
}

fn explorer(workspace: &Workspace) -> std::process::Command {
    let mut command = host_cargo::command(workspace, "run");
    command.args([
        "--release",
        "--quiet",
        "-p",
        "sim",
        "--bin",
        "explore",
        "--",
    ]);
    command
}
