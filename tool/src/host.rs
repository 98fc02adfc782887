//! Everything on this machine that a boot needs: the sources, the emulator, a
//! compiler for the guest, and the guest itself once it has been built.
//!
//! The hard thing is that most of it is slow to find, and some of it is installed
//! or built on the way: each is looked for once, and only when somebody needs it.

use std::process::Command;
use std::sync::OnceLock;

use anyhow::anyhow;

use crate::build::guest::{self, Guest, Kernel};
use crate::build::plan::Plan;
use crate::child_process;
use crate::external::{self, Found};
use crate::qemu::machine::Machine;
use crate::quoting::shell_line;
use crate::workspace::Workspace;

/// A machine that can boot the guest.
pub struct Host {
    /// The sources.
    pub workspace: Workspace,
    qemu: Found,
    plan: Plan,
    plain: OnceLock<Result<Guest, String>>,
    planted: OnceLock<Result<Guest, String>>,
}

impl Host {
    /// Looks for everything; what is missing is installed or named.
    pub fn find() -> anyhow::Result<Self> {
        let workspace = Workspace::locate();
        let qemu = external::QEMU.find_or_obtain()?;
        let plan = Plan::make(&workspace)?;
        Ok(Self {
            workspace,
            qemu,
            plan,
            plain: OnceLock::new(),
            planted: OnceLock::new(),
        })
    }

    /// The kernel and the programs, built on first use.
    pub fn guest(&self, kernel: Kernel) -> anyhow::Result<&Guest> {
        let built = match kernel {
            Kernel::Plain => &self.plain,
            Kernel::Planted => &self.planted,
        };
        built
            .get_or_init(|| {
                guest::build(&self.workspace, &self.plan, kernel)
                    .map_err(|error| format!("{error:#}"))
            })
            .as_ref()
            .map_err(|error| anyhow!("{error}"))
    }

    /// The emulator itself.
    pub fn qemu(&self) -> &Found {
        &self.qemu
    }

    /// The same host with an emulator whose registers are 32 bits to a
    /// debugger, as those of the guest's programs are.
    pub fn for_debugging(mut self) -> anyhow::Result<Self> {
        self.qemu = external::QEMU.find_or_obtain_exactly()?;
        Ok(self)
    }

    /// The command that boots `machine`.
    pub fn command(&self, machine: &Machine) -> Command {
        let mut command = child_process::command(&self.qemu.path);
        command
            .args(&self.qemu.arguments)
            .args(machine.arguments())
            .current_dir(self.workspace.root());
        command
    }

    /// The same for people to repeat.
    pub fn shown(&self, machine: &Machine) -> String {
        shell_line(
            self.workspace.root(),
            &self.qemu.path,
            &[self.qemu.arguments.clone(), machine.arguments()].concat(),
        )
    }
}
