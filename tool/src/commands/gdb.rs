//! `jostle gdb`: what `run` would boot, under a debugger that stands at the
//! program's first instruction and has the symbols of kernel and programs.
//!
//! The hard thing is that two programs share a terminal: gdb has its input and
//! the signals typed there, while the guest's console comes out beside it. So
//! QEMU is kept out of the terminal's foreground, without input, and is ended
//! whenever gdb ends.

mod emulator;
pub mod line;
pub mod named;
pub mod socket;

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use signal_hook::consts::SIGINT;

use self::emulator::Emulator;
use self::line::Session;
use self::socket::Socket;
use crate::boot::Asked;
use crate::child_process;
use crate::cli::{At, Gdb, MachineKind};
use crate::external;
use crate::host::Host;
use crate::qemu::input::{self, TerminalGuard};
use crate::qemu::module_line;
use crate::qemu::supervise::{Ending, Limit, Supervisor};
use crate::quoting::shell_line;
use crate::regular_file::{self, refusal};
use crate::report::{line, note};
use crate::status::{self, usage};
use crate::workspace::Workspace;

/// Boots and debugs; the exit status is gdb's.
pub fn gdb(options: &Gdb) -> anyhow::Result<u8> {
    options.run.refuse_for("gdb")?;
    if options.run.machine == Some(MachineKind::Sim) {
        return Err(usage(
            "gdb is for QEMU; the simulated machine has `jostle debug`",
        ));
    }
    if let Some(At::Position(_)) = options.at {
        return Err(usage(
            "QEMU's runs have no positions; those of `jostle debug` do",
        ));
    }
    let asked = Asked::check(&Workspace::locate(), &options.run)?;
    if let Some(script) = &options.batch {
        check_script(script)?;
    }
    let console = console(options.console.as_deref())?;
    let host = Host::find()?.for_debugging()?;
    let gdb = external::GDB.find_or_obtain()?.path;
    let mut boot = asked.build(&host)?;
    let root = host.workspace.root();
    let programs = programs(root, &boot.machine.modules);
    // Of several, the first to run.
    let first = programs.first().context("nothing to boot")?;
    let socket = Socket::new()?;
    boot.machine.further.extend(emulator::arguments(&socket));
    let session = Session {
        kernel: root.join(&boot.machine.kernel),
        entry: entry(first)?,
        programs,
        socket: socket.path(),
        definitions: socket.beside("commands", &named::in_qemu())?,
        at: options.at,
        script: options.batch.clone(),
    };
    let arguments = session.arguments();
    boot.announce(options.run.verbose);
    if options.run.verbose {
        line(shell_line(&std::env::current_dir()?, &gdb, &arguments));
    }

    let at_terminal = input::choose().0;
    let supervisor = Supervisor::default();
    // What is typed at gdb's terminal is gdb's.
    supervisor.catch_signals(if options.batch.is_none() {
        &[SIGINT]
    } else {
        &[]
    })?;
    let terminal = TerminalGuard::new(at_terminal);
    let emulator = Emulator::start(boot.command().stdout(console), &socket)?;
    let mut command = child_process::command(&gdb);
    // Nobody is asked about anything here, and nothing comes from the network.
    command.args(&arguments).env_remove("DEBUGINFOD_URLS");
    if options.batch.is_some() {
        command.stdin(Stdio::null());
    }
    let ending = supervisor.attend(&mut command, options.run.timeout.map(Limit::Wall))?;
    drop(emulator);
    drop(terminal);
    for remark in boot.finish()? {
        note(remark);
    }
    Ok(verdict(&ending))
}

/// A script that cannot be read is not worth a boot.
pub fn check_script(script: &Path) -> anyhow::Result<()> {
    regular_file::metadata(script)?;
    File::open(script).map_err(|error| refusal(script, error))?;
    Ok(())
}

/// Where the guest's console goes: to a device, a pipe or a new file.
fn console(path: Option<&Path>) -> anyhow::Result<Stdio> {
    let Some(path) = path else {
        return Ok(Stdio::inherit());
    };
    let there = std::fs::metadata(path);
    if there.is_ok_and(|there| there.is_file() && there.len() > 0) {
        return Err(refusal(path, "it exists, and is not overwritten"));
    }
    let file = File::create(path)
        .map_err(|error| usage(format_args!("cannot write {}: {error}", path.display())))?;
    Ok(file.into())
}

/// The files of the programs, each once, in the order of their environments.
fn programs(root: &Path, modules: &[OsString]) -> Vec<PathBuf> {
    let mut programs = Vec::new();
    for module in modules.iter().filter(|line| module_line::is_program(line)) {
        let program = root.join(module_line::file(module));
        if !programs.contains(&program) {
            programs.push(program);
        }
    }
    programs
}

/// Where a program begins.
fn entry(program: &PathBuf) -> anyhow::Result<u64> {
    let image = std::fs::read(program).with_context(|| program.display().to_string())?;
    let file = elf::ElfBytes::<elf::endian::AnyEndian>::minimal_parse(&image)
        .with_context(|| program.display().to_string())?;
    Ok(file.ehdr.e_entry)
}

/// The exit status that gdb's end calls for.
pub fn verdict(ending: &Ending) -> u8 {
    match ending {
        Ending::Exited(status) => status::of_child(*status).unwrap_or(status::FAILURE),
        Ending::TimeLimit => {
            note("the time limit was reached; gdb and the guest were stopped");
            status::TIME_LIMIT
        }
        Ending::Signal(signal) => status::stopped_by(*signal),
        Ending::OutputClosed => status::OUTPUT_CLOSED,
        // Nobody feeds gdb, so nobody says so.
        Ending::InputOver => status::CLEAN,
        Ending::OutputFailed(error) => {
            note(format_args!("standard output: {error}"));
            status::FAILURE
        }
    }
}
