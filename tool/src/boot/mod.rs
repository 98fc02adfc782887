//! From what was asked to a guest that runs: the one way that every command takes.
//!
//! 1. [`Asked::check`] says whatever is wrong with the request, before anything is
//!    looked for, built or started, and keeps the files that the run will write.
//! 2. [`Asked::build`] builds the kernel and the programs and puts the machine
//!    together.
//! 3. [`Boot::announce`] says what had to be guessed, and the command.
//! 4. [`Boot::command`] boots it, most often by [`Boot::run`].
//! 5. [`Boot::finish`] cuts the logs to what the kernel wrote.
//!
//! The hard thing is that they differ in the middle: one has a person at the
//! terminal, one a debugger, one no guest at all but an image of it. So each step
//! is a call of its own, and the compiler demands them in this order.

mod arguments;
pub mod capture;
mod line;
mod request;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

pub use self::line::quoted as quoted_argument;
use self::request::Request;
use crate::build::archive;
use crate::cli::Run;
use crate::host::Host;
use crate::qemu::conversation::{Asks, Listener};
use crate::qemu::log_memory::{self, LogMemory, Reserved};
use crate::qemu::machine::{Input, Machine, Simulated, Timing};
use crate::qemu::module_line;
use crate::qemu::supervise::{Ending, Limit, Supervisor};
use crate::report::{line, note};
use crate::simulated;
use crate::status::usage;
use crate::symbols::{Annotated, Symbols};
use crate::workspace::Workspace;

/// A request that can be met.
pub struct Asked<'o> {
    options: &'o Run,
    request: Request,
    logs: Vec<LogMemory>,
    reserved: Vec<Reserved>,
}

impl<'o> Asked<'o> {
    /// Checks everything about the request that can be wrong.
    pub fn check(workspace: &Workspace, options: &'o Run) -> anyhow::Result<Self> {
        let request = request::check(workspace, options)?;
        match options.simulation() {
            Some(_) => simulated::check(options)?,
            None => not_for_qemu(options)?,
        }
        let logs = log_memory::asked_for(options)?;
        let reserved = log_memory::reserve(&logs, &request.inputs())?;
        Ok(Self {
            options,
            request,
            logs,
            reserved,
        })
    }

    /// Who in the guest waits for input, and shows it.
    pub fn who_asks(&self) -> Option<Asks> {
        arguments::who_asks(self.options, self.request.has_prompt())
    }

    /// Whether somebody is asked what to run.
    pub fn has_prompt(&self) -> bool {
        self.request.has_prompt()
    }

    /// Whether the kernel behaves as graders expect.
    pub fn is_for_graders(&self) -> bool {
        arguments::is_for_graders(self.options)
    }

    /// Builds the guest, and the machine that boots it, without input.
    pub fn build<'h>(self, host: &'h Host) -> anyhow::Result<Boot<'h>> {
        let Self {
            options,
            request,
            logs,
            reserved,
        } = self;
        let guest = host.guest(arguments::kernel_for(options))?;
        let workspace = &host.workspace;
        for source in request.sources() {
            host.build_source(source)?;
        }
        if request.has_prompt() {
            archive::build(workspace, guest)?;
        }
        let disk = request.disk.as_ref();
        let machine = Machine {
            cpus: options.cpus,
            layout: None,
            memory_mib: options.mem,
            timing: if options.icount {
                Timing::InstructionCount
            } else {
                Timing::Parallel
            },
            kernel: module_line::openable(workspace, &guest.kernel)?,
            kernel_args: arguments::kernel_args(options),
            modules: request.modules(workspace, guest, options.personality)?,
            disk: disk
                .map(|disk| module_line::openable(workspace, disk))
                .transpose()?,
            snapshot: options.snapshot,
            simulated: simulation(options)?,
            audit: options.audit,
            nic: options.nic.clone(),
            input: Input::Stream,
            further: arguments::debugging(options),
            logs,
        };
        if machine.simulated.is_some() && machine.wakes_plant() {
            host.planted_tool()?;
        }
        Ok(Boot {
            host,
            machine,
            kernel: guest.kernel.clone(),
            program: request.only_file(guest),
            guesses: request.guesses(options.personality),
            reserved,
        })
    }
}

/// What to leave out of the paths of sources: the copy with planted bugs first, as it is
/// below the tree.
pub fn roots(workspace: &Workspace) -> Vec<PathBuf> {
    let planted = workspace.planted();
    vec![planted.root().to_owned(), workspace.root().to_owned()]
}

/// What the simulated machine needs to know, if that one runs this.
fn simulation(options: &Run) -> anyhow::Result<Option<Simulated>> {
    let Some(config) = options.simulation() else {
        return Ok(None);
    };
    let words = match options.record {
        Some(_) => options.words_anywhere()?,
        None => Vec::new(),
    };
    Ok(Some(Simulated { config, words }))
}

/// Refuses what only the simulated machine has.
fn not_for_qemu(options: &Run) -> anyhow::Result<()> {
    match simulated::only_here(options) {
        Some(option) => Err(usage(format_args!(
            "{option} is for --machine sim: QEMU's runs have none"
        ))),
        None => Ok(()),
    }
}

/// A guest that was built, on a machine that boots it.
pub struct Boot<'h> {
    host: &'h Host,
    /// The machine.
    pub machine: Machine,
    /// The kernel's own file.
    pub kernel: PathBuf,
    /// The file of the program, if there is only one.
    program: Option<PathBuf>,
    guesses: Vec<String>,
    reserved: Vec<Reserved>,
}

impl<'h> Boot<'h> {
    /// A machine that no [`Run`] describes.
    pub fn of(host: &'h Host, machine: Machine) -> Self {
        Self {
            host,
            kernel: machine.kernel.clone(),
            machine,
            program: None,
            guesses: Vec::new(),
            reserved: Vec::new(),
        }
    }

    /// Does something to the machine. Its logs may get another size.
    pub fn change(&mut self, change: impl FnOnce(&mut Machine)) -> anyhow::Result<()> {
        change(&mut self.machine);
        for (log, reserved) in self.machine.logs.iter().zip(&self.reserved) {
            log.lay_out(reserved)?;
        }
        Ok(())
    }

    /// Says what had to be guessed; and if so, the exact command.
    pub fn announce(&self, command: bool) {
        for guess in &self.guesses {
            note(format_args!("{guess} (see --personality)"));
        }
        if command {
            line(self.shown());
        }
    }

    /// The command, as a shell would take it.
    pub fn shown(&self) -> String {
        self.host.shown(&self.machine)
    }

    /// The command that boots.
    pub fn command(&self) -> Command {
        self.host.command(&self.machine)
    }

    /// Boots the guest, and returns when it has ended. The console goes to `output`,
    /// with the names of functions in it; `listener` hears it too.
    pub fn run(
        &self,
        supervisor: Supervisor,
        command: &mut Command,
        listener: &Listener,
        output: impl Write + Send + 'static,
        limit: Option<Limit>,
    ) -> anyhow::Result<Ending> {
        let workspace = &self.host.workspace;
        let symbols = Symbols::new(roots(workspace), self.kernel.clone(), self.program.clone());
        supervisor.run(
            command,
            listener.tee(Annotated::new(output, symbols)),
            limit,
        )
    }

    /// Leaves in the logs what the kernel wrote, and lets go of them. Returns
    /// remarks on them.
    pub fn finish(self) -> anyhow::Result<Vec<String>> {
        let logs = self.machine.logs.iter();
        logs.filter_map(|log| log.finish().transpose()).collect()
    }
}
