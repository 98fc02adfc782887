//! `jostle run`: check the request, build the guest, boot it, pass on its
//! console and its verdict.
//!
//! The order matters: whatever is wrong with the request is said before
//! anything is built or started.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Context;

use crate::build::guest::{Guest, Kernel};
use crate::cli::Run;
use crate::elf_check;
use crate::host::Host;
use crate::personality::Personality;
use crate::programs;
use crate::qemu::input::{self, TerminalGuard};
use crate::qemu::machine::{Input, Machine, Timing};
use crate::qemu::module_line;
use crate::qemu::supervise::Supervisor;
use crate::qemu::verdict::Verdict;
use crate::report::{line, note};
use crate::status::usage;
use crate::workspace::Workspace;

/// A request that can be met: what is to be booted, with what arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    program: Program,
    /// As the module line has them.
    arguments: String,
}

/// A program that was found and may be booted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Program {
    /// One of ours, by name.
    Ours(String),
    /// A file from the host and the edition it was built for.
    Host(PathBuf, Personality),
}

/// Boots the guest and returns the exit status that its end calls for.
pub fn run(options: &Run) -> anyhow::Result<u8> {
    let request = check(&Workspace::locate(), options)?;
    if let Some(path) = &options.record {
        std::fs::File::create(path)
            .map_err(|error| usage(format_args!("cannot write {}: {error}", path.display())))?;
    }
    let host = Host::find()?;
    let guest = host.guest(kernel_for(&options.append))?;
    let (input, stdin) = input::choose();
    let machine = machine(&host.workspace, options, &request, guest, input)?;
    if options.verbose {
        line(host.shown(&machine));
    }
    let supervisor = Supervisor::default();
    supervisor.catch_signals(&[])?;
    let tail = Tail::default();
    let terminal = TerminalGuard::new(input);
    let ending = supervisor.run(
        host.command(&machine).stdin(stdin),
        tail.clone(),
        options.timeout,
    )?;
    drop(terminal);
    let verdict = Verdict::of(&ending, &tail.bytes(), input == Input::Terminal);
    if let Some(remark) = verdict.remark() {
        note(remark);
    }
    Ok(verdict.status())
}

/// Only a kernel with planted faults understands `plant=`.
pub fn kernel_for(kernel_args: &str) -> Kernel {
    let planted = kernel_args
        .split_whitespace()
        .any(|word| word.starts_with("plant="));
    if planted {
        Kernel::Planted
    } else {
        Kernel::Plain
    }
}

/// What runs if no program is named.
const DEMONSTRATION: &str = "demo";

/// Checks everything about the request that can be wrong before anything is
/// built or started.
pub fn check(workspace: &Workspace, options: &Run) -> anyhow::Result<Request> {
    let arguments = module_line::arguments(&options.args)?;
    let demonstration = OsString::from(DEMONSTRATION);
    let name = options.program.as_ref().unwrap_or(&demonstration);
    let program = if name.as_encoded_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        let image = read_program(&path, options.mem)?;
        let found = elf_check::check(&image, options.mem)
            .map_err(|error| usage(format_args!("{}: {error}", path.display())))?;
        Program::Host(path, found)
    } else {
        let name = name.to_string_lossy().into_owned();
        programs::check_name(&name, &programs::names(&workspace.program_sources())?)?;
        Program::Ours(name)
    };
    Ok(Request { program, arguments })
}

fn read_program(path: &Path, memory_mib: u32) -> anyhow::Result<Vec<u8>> {
    let refuse = |why: &dyn std::fmt::Display| usage(format_args!("{}: {why}", path.display()));
    let metadata = std::fs::metadata(path).map_err(|error| refuse(&error))?;
    if !metadata.is_file() {
        return Err(refuse(&"not a regular file"));
    }
    if metadata.len() >> 20 >= u64::from(memory_mib) {
        return Err(refuse(&"larger than the machine's memory (see --mem)"));
    }
    std::fs::read(path).map_err(|error| refuse(&error))
}

/// Puts the machine together.
pub fn machine(
    workspace: &Workspace,
    options: &Run,
    request: &Request,
    guest: &Guest,
    input: Input,
) -> anyhow::Result<Machine> {
    let (file, personality) = match &request.program {
        Program::Ours(name) => (guest.program(name), options.personality),
        Program::Host(path, found) => (path.clone(), Some(options.personality.unwrap_or(*found))),
    };
    let file = module_line::openable(workspace, &file)?;
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
        module: module_line::build(&file, personality, &request.arguments),
        input,
        record: record_path(options)?,
        further: Vec::new(),
    })
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
    if !given("lifecycle") && options.program.is_some() {
        words.push("lifecycle=on");
    }
    if options.monitor && !given("end") {
        words.push("end=monitor");
    }
    if options.record.is_some() && !given("record") {
        words.push("record=on");
    }
    words.extend(options.append.split_whitespace());
    words.join(" ")
}

fn record_path(options: &Run) -> anyhow::Result<Option<PathBuf>> {
    let absolute = |path: &PathBuf| std::path::absolute(path).context("the record's path");
    options.record.as_ref().map(absolute).transpose()
}

/// Standard output, remembering the last few bytes that went through it.
#[derive(Clone, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    const KEPT: usize = 64;

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().map(|bytes| bytes.clone()).unwrap_or_default()
    }
}

impl Write for Tail {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = std::io::stdout().write(bytes)?;
        if let Ok(mut tail) = self.0.lock() {
            tail.extend(&bytes[..count]);
            let surplus = tail.len().saturating_sub(Self::KEPT);
            tail.drain(..surplus);
        }
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().flush()
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
        assert_eq!(
            args_for(&["hello", "--append", "lifecycle=off  quantum=500"]),
            "lifecycle=off quantum=500"
        );
        assert_eq!(
            args_for(&["hello", "--monitor", "--record", "r"]),
            "lifecycle=on end=monitor record=on"
        );
        // A key that merely begins alike is another key.
        assert_eq!(
            args_for(&["hello", "--append", "lifecycles=1"]),
            "lifecycle=on lifecycles=1"
        );
    }

    #[test]
    fn a_planted_fault_needs_its_own_kernel() {
        assert_eq!(kernel_for(""), Kernel::Plain);
        assert_eq!(kernel_for("lifecycle=on"), Kernel::Plain);
        assert_eq!(kernel_for("quantum=1 plant=x"), Kernel::Planted);
    }

    #[test]
    fn files_are_checked_before_anything_is_built() {
        let workspace = Workspace::locate();
        let error = |program: &str| {
            let options = options([program]).expect("valid");
            let error = check(&workspace, &options).expect_err("refused");
            assert_eq!(crate::status::of_error(&error), crate::status::USAGE);
            error.to_string()
        };
        assert!(error("./no-such-file").contains("No such file"));
        assert!(error("/").contains("not a regular file"));
        assert!(error("/dev/zero").contains("not a regular file"));
        let ourselves = std::env::current_exe().expect("a path");
        let ourselves = ourselves.to_str().expect("plain");
        assert!(error(ourselves).contains("64-bit"));
    }
}
