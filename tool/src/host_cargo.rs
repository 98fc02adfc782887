//! The outer cargo, for the crates that run on the host.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::called;
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
        .env("CARGO_TARGET_DIR", workspace.target())
        // What a test shows must not depend on how the tests were called.
        .env_remove(called::VARIABLE);
    command
}

/// Builds a test of a package of a copy of the tree: the program that runs it. Nobody opens
/// that in a debugger, and without what one would need it takes half the time.
pub fn build_test(workspace: &Workspace, package: &str, test: &str) -> anyhow::Result<PathBuf> {
    let mut command = self::command(workspace, "test");
    command
        .args(["-p", package, "--test", test, "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .env("CARGO_PROFILE_TEST_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = command.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the tests of the copy could not be built; cargo's messages above say why");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == test)
        .find_map(|message| Some(message["executable"].as_str()?.into()))
        .context("cargo does not say where it put the tests of the copy")
}
