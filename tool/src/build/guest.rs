//! Builds the kernel and the programs and says where they are.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};

use super::plan::Plan;
use super::{TARGET, inner_cargo};
use crate::filtered::Filtered;
use crate::plants;
use crate::workspace::Workspace;

/// Which kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// The one that is run.
    Plain,
    /// That of the copy with planted bugs, one of which the kernel argument
    /// `plant` awakens: to see whether the tests notice.
    Planted,
}

/// What was built.
#[derive(Debug, Clone)]
pub struct Guest {
    /// The kernel's ELF file.
    pub kernel: PathBuf,
    programs: PathBuf,
}

impl Guest {
    /// What lies in `folder`, where everything was built.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            kernel: folder.join("kernel"),
            programs: folder.to_path_buf(),
        }
    }

    /// The ELF file of one of our programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }
}

/// What was built before, without a look at whether it is still right.
pub fn built(workspace: &Workspace) -> Guest {
    Guest::in_folder(&output(workspace, "guest"))
}

fn output(workspace: &Workspace, folder: &str) -> PathBuf {
    workspace.target().join(folder).join(TARGET).join("guest")
}

/// Builds both; cargo's progress goes to standard error.
pub fn build(workspace: &Workspace, plan: &Plan, kernel: Kernel) -> anyhow::Result<Guest> {
    cargo_build(
        workspace,
        plan,
        "guest",
        &["-p", "kernel", "-p", "programs"],
    )?;
    let plain = built(workspace);
    match kernel {
        Kernel::Plain => Ok(plain),
        Kernel::Planted => {
            let planted = plants::grow(workspace)?;
            cargo_build(&planted, plan, "guest", &["-p", "kernel"])?;
            Ok(Guest {
                kernel: built(&planted).kernel,
                ..plain
            })
        }
    }
}

/// Cargo's last line, which it also prints when there was nothing to do.
fn is_ending(line: &str) -> bool {
    line.contains("Finished") && line.contains("`guest` profile")
}

fn cargo_build(
    workspace: &Workspace,
    plan: &Plan,
    folder: &str,
    packages: &[&str],
) -> anyhow::Result<()> {
    let mut command = inner_cargo::command(workspace, plan, "build", folder);
    command
        .args(packages)
        .stdin(Stdio::null())
        .stdout(std::io::stderr());
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        // It cannot see the terminal behind our pipe.
        command.arg("--color=always");
    }
    let messages = Filtered::stderr(&mut command, is_ending).context("a pipe")?;
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", plan.toolchain.cargo.display()))?;
    drop(command);
    messages.finish();
    if !status.success() {
        if let Some(error) = workspace.cannot_write() {
            bail!(
                "the guest could not be built: {} cannot be written ({error}); \
                 CARGO_TARGET_DIR=FOLDER in the environment has it built elsewhere",
                workspace.target().display()
            );
        }
        bail!("the guest could not be built; cargo's messages above say why");
    }
    Ok(())
}
