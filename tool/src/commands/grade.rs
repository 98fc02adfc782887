//! `jostle grade`: a course's own grader, unchanged, pointed at this kernel.
//!
//! A grader of the JOS course knows nothing of another kernel: it runs `make`,
//! which builds the student's kernel around a program and starts QEMU with it.
//! Here the same happens in a copy of the folder, but for one command: where
//! make would start QEMU, it starts a script of ours, and that boots Jostle with
//! the program instead ([`stand_in`]).
//!
//! A folder of our own labs has no grader: `lab` is for those.
//!
//! The hard thing is to leave nothing behind, neither in the folder nor among
//! the processes: between the tool and QEMU stand Python, make and a shell,
//! which do not tell each other how they ended. So the tool holds a lock, and
//! the stand-in for QEMU ends as soon as that is free.

mod compiler;
mod copy;
mod course;
mod lab;
mod python;
mod scripts;
pub mod stand_in;

use std::ffi::OsString;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, bail};

use self::copy::Workplace;
use self::course::Course;
use self::scripts::Scripts;
use crate::build::guest::Kernel;
use crate::child_process;
use crate::cli::Grade;
use crate::host::Host;
use crate::labs::mark;
use crate::process_group::Group;
use crate::report::note;
use crate::status;

/// Grades; the exit status is the grader's.
pub fn grade(options: &Grade) -> anyhow::Result<u8> {
    if mark::is_one(&options.folder) {
        return lab::grade(options);
    }
    lab::refuse_for_courses(options)?;
    let course = Course::inspect(&options.folder, options.lab)?;
    let keep = options.keep.as_deref();
    keep.map_or(Ok(()), copy::check_keep)?;
    if which::which("make").is_err() {
        bail!("make is not installed: {MAKE_REMEDY}");
    }
    let compiler = compiler::find(&course)?;
    let python = python::choose(&course)?;
    let host = Host::find()?;
    host.guest(Kernel::Plain)?;

    let workplace = Workplace::set_up(&course, keep)?;
    let scripts = Scripts::write(&workplace, options, compiler.as_ref())?;
    let python = python.ready(&course, &workplace)?;
    let mut command = child_process::command(&python.program);
    command
        .args(&python.before)
        .arg(&course.grader)
        .args(options.verbose.then_some("-v"))
        .args(&options.tests)
        .current_dir(workplace.course())
        .env("PATH", scripts.search_path())
        .env("MAKEFLAGS", make_flags()?)
        .env_remove("MAKELEVEL")
        // Else the copy would not look like the folder afterwards.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null());
    if let Some(modules) = python.modules {
        command.env("PYTHONPATH", modules);
    }
    let group = Group::spawn_and_clear(&mut command, workplace.clearance())
        .with_context(|| format!("cannot start {}", python.program.display()))?;
    let status = group.wait()?;
    if let Some(kept) = keep {
        note(format_args!(
            "what the grader left is in {}",
            kept.display()
        ));
    }
    Ok(exit_status(status))
}

const MAKE_REMEDY: &str = "install it (Debian, Ubuntu: \
    sudo apt-get install --no-install-recommends make; Fedora: dnf install make; \
    Arch: pacman -S make)";

/// What every make is told, whatever the folder's own files say: what to start
/// as QEMU, and a port that nobody else uses, so that several can grade at once.
fn make_flags() -> anyhow::Result<OsString> {
    let free = TcpListener::bind(("127.0.0.1", 0)).context("a port for gdb")?;
    let port = free.local_addr()?.port();
    Ok(format!("QEMU={} GDBPORT={port}", scripts::QEMU).into())
}

fn exit_status(status: ExitStatus) -> u8 {
    status::of_child(status)
        .or(status.signal().map(status::stopped_by))
        .unwrap_or(status::FAILURE)
}
