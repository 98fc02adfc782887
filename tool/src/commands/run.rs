//! `jostle run`: check the request, build the guest, boot it, pass on its
//! console and its verdict.
//!
//! The order matters: whatever is wrong with the request is said before
//! anything is built or started.

mod line;
mod request;

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use firmware::options::{BootOptions, End};

use crate::build::archive;
use crate::build::guest::{Guest, Kernel};
use crate::cli::Run;
use crate::filtered::Filtered;
use crate::host::Host;
use crate::plants;
use crate::qemu::conversation::{Asks, Ear};
use crate::qemu::input::{self, TerminalGuard};
use crate::qemu::log_memory;
use crate::qemu::machine::{Input, Machine, Timing};
use crate::qemu::module_line;
use crate::qemu::patient::Patient;
use crate::qemu::supervise::{Limit, Supervisor};
use crate::qemu::verdict::Verdict;
use crate::report::{line, note};
use crate::symbols::{Annotated, Symbols};
use crate::workspace::Workspace;

pub use self::request::{Request, check};

/// Boots the guest and returns the exit status that its end calls for.
pub fn run(options: &Run) -> anyhow::Result<u8> {
    let request = check(&Workspace::locate(), options)?;
    let reserved = log_memory::check(options, &request.inputs())?;
    let host = Host::find()?;
    let guest = host.guest(kernel_for(&options.append))?;
    let ear = Ear::default();
    let supervisor = Supervisor::default();
    let (input, stdin) = match who_asks(options, &request) {
        Some(asks) => input::choose_for(asks, &ear, supervisor.input_is_over())?,
        None => input::choose(),
    };
    let machine = machine(&host.workspace, options, &request, guest, input)?;
    let symbols = symbols(&host.workspace, &request, guest);
    for guess in request.guesses(options.personality) {
        note(format_args!("{guess} (see --personality)"));
    }
    if options.verbose {
        line(host.shown(&machine));
    }
    supervisor.catch_signals(&[])?;
    let tail = Tail::default();
    let output = Tailed {
        output: Patient::stdout().context("standard output")?,
        tail: tail.clone(),
    };
    let terminal = TerminalGuard::new(input);
    let mut command = host.command(&machine);
    let messages = Filtered::stderr(&mut command, is_farewell).context("a pipe")?;
    let ending = supervisor.run(
        command.stdin(stdin),
        ear.at(Annotated::new(output, symbols)),
        options.timeout.map(Limit::Wall),
    )?;
    drop(command);
    messages.finish();
    drop(terminal);
    for log in &machine.logs {
        if let Some(remark) = log.finish()? {
            note(remark);
        }
    }
    drop(reserved);
    let verdict = Verdict::of(&ending, &tail.bytes(), input != Input::Stream);
    if let Some(remark) = verdict.remark() {
        note(remark);
    }
    Ok(verdict.status())
}

/// QEMU's word on a signal that the tool has sent it.
fn is_farewell(line: &str) -> bool {
    line.contains(": terminating on signal ")
}

/// The one that understands these arguments.
pub fn kernel_for(kernel_args: &str) -> Kernel {
    if kernel_args.split_whitespace().any(plants::wakes) {
        Kernel::Planted
    } else {
        Kernel::Plain
    }
}

/// Puts the machine together.
pub fn machine(
    workspace: &Workspace,
    options: &Run,
    request: &Request,
    guest: &Guest,
    input: Input,
) -> anyhow::Result<Machine> {
    if request.has_prompt() {
        archive::build(workspace, guest)?;
    }
    Ok(Machine {
        cpus: options.cpus,
        layout: None,
        memory_mib: options.mem,
        timing: if options.icount {
            Timing::InstructionCount
        } else {
            Timing::Parallel
        },
        kernel: module_line::openable(workspace, &guest.kernel)?,
        kernel_args: kernel_args(options),
        modules: request.modules(workspace, guest, options.personality)?,
        disk: request
            .disk
            .as_ref()
            .map(|disk| module_line::openable(workspace, disk))
            .transpose()?,
        snapshot: options.snapshot,
        nic: options.nic.clone(),
        input,
        further: debugging(options),
        logs: log_memory::asked_for(options)?,
    })
}

/// A port for somebody else's gdb. Whoever connects rules the machine, so only
/// from this one.
fn debugging(options: &Run) -> Vec<OsString> {
    let mut words = Vec::new();
    if let Some(port) = options.gdb_port {
        words.extend(["-gdb".into(), format!("tcp:127.0.0.1:{port}").into()]);
    }
    if options.stopped {
        words.push("-S".into());
    }
    words
}

/// Where the names in backtraces come from.
pub fn symbols(workspace: &Workspace, request: &Request, guest: &Guest) -> Symbols {
    Symbols::new(
        // The copy first: it is below the tree.
        vec![
            workspace.planted().root().to_path_buf(),
            workspace.root().to_path_buf(),
        ],
        guest.kernel.clone(),
        request.only_file(guest),
    )
}

/// The user's own arguments come last, and replace what we would say.
fn kernel_args(options: &Run) -> String {
    let given = |key: &str| {
        options
            .append
            .split_whitespace()
            .any(|word| word.split('=').next() == Some(key))
    };
    let mut words = Vec::new();
    // At the prompt they would be in the way.
    if !given("lifecycle") && options.program.is_some() {
        words.push("lifecycle=on");
    }
    if options.monitor && !given("end") {
        words.push("end=monitor");
    }
    if options.record.is_some() && !given("record") {
        words.push("record=on");
    }
    if options.trace.is_some() && !given("trace") {
        words.push("trace=on");
    }
    words.extend(options.append.split_whitespace());
    words.join(" ")
}

/// Who in the guest waits for input, and shows it; a program may all the same.
fn who_asks(options: &Run, request: &Request) -> Option<Asks> {
    // The parser skips the kernel's path.
    let line = format!("/ {}", kernel_args(options));
    let told = BootOptions::parse(line.as_bytes(), |_| ());
    match (request.has_prompt(), told.end == End::Monitor) {
        (true, true) => Some(Asks::Both),
        (true, false) => Some(Asks::Prompt),
        (false, true) if !told.grading => Some(Asks::Monitor),
        (false, _) if told.grading => Some(Asks::Anybody),
        (false, _) => None,
    }
}

/// The last few bytes that went through standard output.
#[derive(Clone, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    const KEPT: usize = 64;

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().map(|bytes| bytes.clone()).unwrap_or_default()
    }

    fn remember(&self, bytes: &[u8]) {
        if let Ok(mut tail) = self.0.lock() {
            tail.extend(bytes);
            let surplus = tail.len().saturating_sub(Self::KEPT);
            tail.drain(..surplus);
        }
    }
}

/// Standard output, with its tail remembered.
struct Tailed {
    output: Patient<File>,
    tail: Tail,
}

impl Write for Tailed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.output.write(bytes)?;
        self.tail.remember(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush()
    }
}

/// The arguments of `jostle run`, given as words: for tests and other commands.
pub fn options<I, S>(words: I) -> anyhow::Result<Run>
where
    I: IntoIterator<Item = S>,
    S: Into<OsString>,
{
    use clap::Parser;
    let words = words.into_iter().map(Into::into);
    let line = ["jostle".into(), "run".into()].into_iter().chain(words);
    match crate::cli::Cli::try_parse_from(line)?.command {
        crate::cli::Command::Run(run) => Ok(run),
        _ => anyhow::bail!("not a `run` command"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args_for(words: &[&str]) -> String {
        kernel_args(&options(words).expect("valid"))
    }

    #[test]
    fn the_user_has_the_last_word() {
        assert_eq!(args_for(&["hello"]), "lifecycle=on");
        assert_eq!(args_for(&[]), "");
        assert_eq!(args_for(&["--with", "type=fs:hello"]), "");
        assert_eq!(
            args_for(&["hello", "--append", "lifecycle=off  quantum=500"]),
            "lifecycle=off quantum=500"
        );
        assert_eq!(
            args_for(&["hello", "--monitor", "--record", "r"]),
            "lifecycle=on end=monitor record=on"
        );
        assert_eq!(
            args_for(&["hello", "--trace", "t"]),
            "lifecycle=on trace=on"
        );
        // A key that merely begins alike is another key.
        assert_eq!(
            args_for(&["hello", "--append", "lifecycles=1"]),
            "lifecycle=on lifecycles=1"
        );
    }

    #[test]
    fn a_planted_bug_needs_its_own_kernel() {
        assert_eq!(kernel_for(""), Kernel::Plain);
        assert_eq!(kernel_for("lifecycle=on"), Kernel::Plain);
        assert_eq!(kernel_for("quantum=1 plant=x"), Kernel::Planted);
    }
}
