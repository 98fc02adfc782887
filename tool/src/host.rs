//! Everything on this machine that a boot needs: the sources, the emulator, a
//! compiler for the guest, and the guest itself once it has been built.
//!
//! The hard thing is that most of it is slow to find, and some of it is installed
//! or built on the way: each is looked for once, and only when somebody needs it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::anyhow;

use crate::build::guest::{self, Guest, Kernel};
use crate::build::plan::Plan;
use crate::build::source::Source;
use crate::child_process;
use crate::external::{self, Found};
use crate::plants;
use crate::qemu::machine::Machine;
use crate::quoting::shell_line;
use crate::simulated;
use crate::workspace::Workspace;

/// A machine that can boot the guest.
pub struct Host {
    /// The sources.
    pub workspace: Workspace,
    qemu: Option<Found>,
    tool: PathBuf,
    plan: Plan,
    plain: OnceLock<Result<Guest, String>>,
    planted: OnceLock<Result<Guest, String>>,
    planted_tool: OnceLock<Result<PathBuf, String>>,
}

impl Host {
    /// Looks for everything; what is missing is installed or named.
    pub fn find() -> anyhow::Result<Self> {
        Self::with_emulator(Some(external::QEMU.find_or_obtain()?))
    }

    /// As [`Host::find`], for the simulated machine only.
    pub fn without_emulator() -> anyhow::Result<Self> {
        Self::with_emulator(None)
    }

    fn with_emulator(qemu: Option<Found>) -> anyhow::Result<Self> {
        let workspace = Workspace::locate();
        let plan = Plan::make(&workspace)?;
        Ok(Self {
            workspace,
            qemu,
            tool: std::env::current_exe()?,
            plan,
            plain: OnceLock::new(),
            planted: OnceLock::new(),
            planted_tool: OnceLock::new(),
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

    /// Builds a program of somebody's own.
    pub fn build_source(&self, source: &Source) -> anyhow::Result<()> {
        source.build(&self.workspace, &self.plan)
    }

    /// The tool whose simulated machine has planted bugs, built on first use.
    pub fn planted_tool(&self) -> anyhow::Result<&Path> {
        let build = || plants::tool::build(&self.workspace).map_err(|error| format!("{error:#}"));
        let built = self.planted_tool.get_or_init(build).as_ref();
        built
            .map(PathBuf::as_path)
            .map_err(|error| anyhow!("{error}"))
    }

    /// The emulator itself.
    pub fn qemu(&self) -> Option<&Found> {
        self.qemu.as_ref()
    }

    /// The same host, where `tool` is the file of the `jostle` command. Otherwise the
    /// running program is taken for it.
    #[must_use]
    pub fn with_tool(self, tool: PathBuf) -> Self {
        Self { tool, ..self }
    }

    /// The same host with an emulator whose registers are 32 bits to a
    /// debugger, as those of the guest's programs are.
    pub fn for_debugging(mut self) -> anyhow::Result<Self> {
        self.qemu = Some(external::QEMU.find_or_obtain_exactly()?);
        Ok(self)
    }

    /// The command that boots `machine`.
    pub fn command(&self, machine: &Machine) -> Command {
        let (program, arguments) = self.program(machine);
        let mut command = child_process::command(&program);
        command.args(arguments).current_dir(self.workspace.root());
        command
    }

    /// The same for people to repeat.
    pub fn shown(&self, machine: &Machine) -> String {
        let (program, arguments) = self.program(machine);
        shell_line(self.workspace.root(), &program, &arguments)
    }

    /// What plays the machine, and its arguments.
    fn program(&self, machine: &Machine) -> (PathBuf, Vec<OsString>) {
        if let Some(simulated) = &machine.simulated {
            let planted = self.planted_tool.get().filter(|_| machine.wakes_plant());
            let tool = planted.and_then(|built| built.as_ref().ok());
            let tool = tool.unwrap_or(&self.tool).clone();
            return (tool, simulated::arguments(machine, simulated));
        }
        match &self.qemu {
            Some(qemu) => {
                let arguments = [qemu.arguments.clone(), machine.arguments()].concat();
                (qemu.path.clone(), arguments)
            }
            // Nobody looked for it: the shell may know.
            None => (external::QEMU.name.into(), machine.arguments()),
        }
    }
}
