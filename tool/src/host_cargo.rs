//! The outer cargo, for the crates that run on the host.

use std::ffi::OsString;
use std::process::Command;

use crate::child_process;
use crate::workspace::Workspace;

/// `cargo SUBCOMMAND` in the workspace's root, by the cargo that started us
/// or the one in the search path.
pub fn command(workspace: &Workspace, subcommand: &str) -> Command {
    let cargo = std::env::var_os("CARGO").filter(|path| !path.is_empty());
    let mut command = child_process::command(cargo.unwrap_or_else(|| OsString::from("cargo")));
    command
        .current_dir(workspace.root())
        .arg(subcommand)
        .env("CARGO_TARGET_DIR", workspace.target());
    command
}
