//! Builds the kernel and the programs and says where they are.

use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::{inner_cargo, target};
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
    let target = &target::GUEST;
    let folder = workspace.target().join(folder);
    folder.join(target.triple).join(target.profile)
}

/// Builds both; cargo's progress goes to standard error.
pub fn build(workspace: &Workspace, plan: &Plan, kernel: Kernel) -> anyhow::Result<Guest> {
    inner_cargo::build(
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
            inner_cargo::build(&planted, plan, "guest", &["-p", "kernel"])?;
            Ok(Guest {
                kernel: built(&planted).kernel,
                ..plain
            })
        }
    }
}
