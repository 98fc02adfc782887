//! The tool of the copy: this program again, whose simulated machine has every planted
//! bug.
//!
//! The hard thing is where it belongs. It is built in the copy, and all else is the
//! tree's own: the programs that it runs, the schedules that it writes. So it is told
//! where the tree is, which only it understands (`plants/switch`).

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::{Plants, grow, wakes};
use crate::host_cargo;
use crate::status::usage;
use crate::workspace::Workspace;

/// The variable that tells it where the tree is.
const TREE: &str = "JOSTLE_TREE";
/// The package, and its program.
const NAME: &str = "jostle";
/// How it is built; only the copy knows of it.
const PROFILE: &str = "planted";

/// Builds it; returns its file.
pub fn build(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let planted = grow(workspace)?;
    let mut command = host_cargo::command(&planted, "build");
    command.args(["-p", NAME, "--bin", NAME, "--profile", PROFILE]);
    let status = command.stdin(Stdio::null()).status();
    if !status.context("cannot start cargo")?.success() {
        bail!("the tool of the copy could not be built; cargo's messages above say why");
    }
    Ok(planted.target().join(PROFILE).join(NAME))
}

/// The command that starts it.
pub fn command(workspace: &Workspace, tool: &Path) -> Command {
    let mut command = Command::new(tool);
    command.env(TREE, workspace.root());
    command
}

/// Lets it do what this program was asked for, if the kernel's arguments wake a planted
/// bug. Returns only if they do not.
pub fn take_over(workspace: &Workspace, kernel_args: &str) -> anyhow::Result<()> {
    if !is_needed(workspace, kernel_args)? {
        return Ok(());
    }
    let mut command = command(workspace, &build(workspace)?);
    let error = command.args(std::env::args_os().skip(1)).exec();
    Err(error).context("the tool of the copy")
}

/// Whether the kernel's arguments wake a planted bug. One that does not exist is refused.
pub fn is_needed(workspace: &Workspace, kernel_args: &str) -> anyhow::Result<bool> {
    let mut words = kernel_args.split_whitespace().filter(|word| wakes(word));
    let Some(word) = words.next_back() else {
        return Ok(false);
    };
    let name = word.split_once('=').map_or(word, |(_, name)| name);
    match Plants::read(workspace)?.names().any(|known| known == name) {
        true => Ok(true),
        false => Err(usage(format_args!("no such planted bug: {name}"))),
    }
}
