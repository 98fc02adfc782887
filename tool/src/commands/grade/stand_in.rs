//! `jostle stand-in`: what a course's make starts in the place of QEMU.
//!
//! It looks at what the student's kernel would have been given: which programs
//! `kern/init.c` starts, and which machine make asked for. It boots Jostle with
//! those programs on such a machine, and tells the grader where in *this* kernel
//! the run is over, by writing its symbols where those of the student's were.
//!
//! The hard thing is the moment at which a grader connects: as soon as anything
//! is printed, and it gives up after two seconds. So the port is opened here,
//! before anything is said, and QEMU inherits it.

mod embedded;
mod line;
mod symbols;

use std::ffi::OsString;
use std::fs::File;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::path::Path;

use anyhow::Context;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Signal, getpid, kill_process};

use self::line::Asked;
use crate::boot::Boot;
use crate::build::guest;
use crate::cli::StandIn;
use crate::elf_check;
use crate::host::Host;
use crate::personality::{Edition, of_year};
use crate::qemu::machine::{Input, Machine, Timing};
use crate::qemu::module_line::{self, Module};
use crate::qemu::supervise::{Ending, Supervisor};
use crate::report::{line, note, result};
use crate::status;

/// What QEMU gives a machine that nobody says anything about, in MiB.
const MEMORY_MIB: u32 = 128;

/// Boots, and returns QEMU's status.
pub fn stand_in(options: &StandIn) -> anyhow::Result<u8> {
    let Some(asked) = line::read(&options.line)? else {
        // Makefiles look for options in the help. There are none to be found.
        result("Jostle's stand-in for QEMU\n");
        return Ok(status::CLEAN);
    };
    // Fails if whoever started us is gone with its folder.
    let lock = File::open(&options.lock).context("the lock of the grading")?;
    let course = std::env::current_dir()?;
    let host = Host::find()?;
    let guest = guest::built(&host.workspace);
    let cpus = options.cpus.or(asked.cpus).unwrap_or(1);
    let listener = asked.gdb.map(listen).transpose()?;
    let machine = Machine {
        cpus,
        layout: None,
        memory_mib: asked.memory.unwrap_or(MEMORY_MIB),
        timing: Timing::Parallel,
        kernel: module_line::openable(&host.workspace, &guest.kernel)?,
        kernel_args: "grading".to_owned(),
        modules: modules(&host, &course, &asked, options)?,
        disk: asked
            .disk
            .as_ref()
            .map(|disk| module_line::openable(&host.workspace, disk))
            .transpose()?,
        snapshot: asked.snapshot,
        simulated: None,
        audit: false,
        nic: None,
        input: Input::Stream,
        further: further(&asked, listener.as_ref())?,
        logs: Vec::new(),
    };
    symbols::write(&guest.kernel, &course)?;
    let boot = Boot::of(&host, machine);
    boot.announce(options.verbose);
    let supervisor = Supervisor::default();
    supervisor.catch_signals(&[])?;
    end_with(lock);
    // The line that a grader waits for before it connects.
    line(format_args!("jostle: in the place of QEMU, CPUs: {cpus}"));
    let ending = supervisor.attend(&mut boot.command(), None)?;
    Ok(verdict(&ending))
}

/// The boot modules, in the order in which the student's kernel would have
/// started them.
fn modules(
    host: &Host,
    course: &Path,
    asked: &Asked,
    options: &StandIn,
) -> anyhow::Result<Vec<OsString>> {
    let memory = asked.memory.unwrap_or(MEMORY_MIB);
    let mut lines = Vec::new();
    for program in embedded::programs(course)? {
        let shown = program.file.display();
        let image = std::fs::read(&program.file).with_context(|| shown.to_string())?;
        let edition = elf_check::check(&image, memory).with_context(|| shown.to_string())?;
        let personality = match (edition, options.edition) {
            (Edition::Told(personality), _) => personality,
            (Edition::Guessed(personality), Some(year)) => of_year(personality, year),
            (Edition::Guessed(personality), None) => {
                note(edition.remark(&program.file));
                personality
            }
        };
        let module = Module {
            path: module_line::openable(&host.workspace, &program.file)?,
            kind: program.kind,
            personality: Some(personality),
            arguments: "",
        };
        lines.push(module.line());
    }
    module_line::check_room(&lines)?;
    Ok(lines)
}

/// Only from this machine: whoever connects rules the other one.
fn listen(port: u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .with_context(|| format!("the port {port} for gdb"))?;
    // QEMU inherits it.
    fcntl_setfd(&listener, FdFlags::empty())?;
    Ok(listener)
}

fn further(asked: &Asked, listener: Option<&TcpListener>) -> anyhow::Result<Vec<OsString>> {
    let mut words = asked.further.clone();
    if let Some(listener) = listener {
        let number = listener.as_raw_fd();
        let chardev = format!("socket,id=gdb,fd={number},server=on,wait=off");
        words.extend(["-gdb", "chardev:gdb", "-chardev"].map(OsString::from));
        words.push(chardev.into());
    }
    if asked.stopped {
        words.push("-S".into());
    }
    Ok(words)
}

/// Stops us in the orderly way when the grading tool has ended, however it did.
fn end_with(lock: File) {
    std::thread::spawn(move || {
        if lock.lock_shared().is_ok() {
            // To ourselves; it cannot fail.
            let _ = kill_process(getpid(), Signal::TERM);
        }
    });
}

fn verdict(ending: &Ending) -> u8 {
    match ending {
        Ending::Exited(status) => status::of_child(*status).unwrap_or(status::FAILURE),
        Ending::Signal(signal) => status::stopped_by(*signal),
        Ending::InputOver => status::CLEAN,
        Ending::TimeLimit | Ending::OutputClosed | Ending::OutputFailed(_) => status::FAILURE,
    }
}
