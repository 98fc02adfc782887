//! Everything on this machine that a boot needs: the sources, the emulator, a
//! compiler for the guest, and the guest itself once it has been built.
//!
//! `run` boots once and shows the console as it comes; tests and measurements
//! boot many times, at once even, and want the console as a value. Both do it
//! through the same machine and the same watchdog.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use anyhow::anyhow;

use crate::build::guest::{self, Guest, Kernel};
use crate::build::plan::Plan;
use crate::cli::Run;
use crate::commands::run;
use crate::external::{self, Found};
use crate::qemu::conversation::{self, Ear, Turn};
use crate::qemu::log_memory::LogMemory;
use crate::qemu::machine::{Input, Machine, shell_line};
use crate::qemu::supervise::{Limit, Supervisor};
use crate::qemu::verdict::Verdict;
use crate::symbols::Annotated;
use crate::tether;
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

/// A run that is over, with all that its console showed.
#[derive(Debug)]
pub struct Captured {
    /// The console, byte for byte.
    pub console: Vec<u8>,
    /// How it ended.
    pub verdict: Verdict,
    /// What QEMU itself had to say.
    pub emulator_messages: String,
    /// What there is to say about its logs.
    pub remarks: Vec<String>,
    /// The QEMU command, as a shell would take it.
    pub command: String,
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
        let mut command = tether::command(&self.qemu.path);
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

    /// Does what `jostle run` would do with these options, without input, and
    /// returns what it would have shown. Nobody waits for it at a terminal: its
    /// time limit is a fair one.
    pub fn capture(&self, options: &Run) -> anyhow::Result<Captured> {
        self.capture_on(options, None, Vec::new(), |_| ())
    }

    /// The same on a machine to which something is done first, with these turns
    /// as input. With a `prompt` the guest is stopped, as if nobody read its
    /// console any more, as soon as that ends with it.
    pub fn capture_on(
        &self,
        options: &Run,
        prompt: Option<&'static str>,
        turns: Vec<Turn>,
        change: impl FnOnce(&mut Machine),
    ) -> anyhow::Result<Captured> {
        let request = run::check(&self.workspace, options)?;
        let guest = self.guest(run::kernel_for(&options.append))?;
        let mut machine = run::machine(&self.workspace, options, &request, guest, Input::Stream)?;
        change(&mut machine);
        let symbols = run::symbols(&self.workspace, &request, guest);
        let logs = machine.logs.iter().map(LogMemory::make);
        let reserved: Vec<_> = logs.collect::<anyhow::Result<_>>()?;
        let console = Buffer {
            prompt,
            ..Buffer::default()
        };
        let ear = Ear::default();
        let input = conversation::from_turns(turns, &ear)?;
        let (mut messages, messages_end) = std::io::pipe()?;
        let ending = Supervisor::default().run(
            // Dropped at the end of the statement, and with it our end of the pipe.
            self.command(&machine).stdin(input).stderr(messages_end),
            ear.at(Annotated::new(console.clone(), symbols)),
            options.timeout.map(Limit::Fair),
        )?;
        let remarks = machine
            .logs
            .iter()
            .filter_map(|log| log.finish().transpose());
        let remarks = remarks.collect::<anyhow::Result<_>>()?;
        drop(reserved);
        let mut emulator_messages = String::new();
        messages.read_to_string(&mut emulator_messages)?;
        Ok(Captured {
            verdict: Verdict::of(&ending, &[], false),
            console: console.take(),
            emulator_messages,
            remarks,
            command: self.shown(&machine),
        })
    }
}

/// Bytes that a copying thread writes and the watcher takes.
#[derive(Clone, Default)]
struct Buffer {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// What to close at.
    prompt: Option<&'static str>,
}

impl Buffer {
    fn take(&self) -> Vec<u8> {
        self.bytes
            .lock()
            .map(|mut bytes| std::mem::take(&mut *bytes))
            .unwrap_or_default()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let Ok(mut buffer) = self.bytes.lock() else {
            return Err(std::io::ErrorKind::Other.into());
        };
        buffer.extend(bytes);
        match self.prompt {
            Some(prompt) if buffer.ends_with(prompt.as_bytes()) => {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            _ => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
