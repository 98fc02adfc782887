//! What is booted.
//!
//! The hard thing is that a run must be the same on another machine. A program's file
//! has the names of folders in it, for debuggers, and with them another length there; so
//! the machine is given what a program is loaded from, and no more.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::Context;
use firmware::options::BootOptions;
use pc::boot::{Module, Setup};

use crate::build::archive;
use crate::cli::Simulate;
use crate::qemu::machine::Machine;
use crate::qemu::module_line;
use crate::status::usage;

/// What the kernel is told. What this machine has not is refused.
pub fn options(words: &str) -> anyhow::Result<BootOptions> {
    pc::boot::options(words).map_err(usage)
}

/// What the command line says.
pub fn setup(options: &Simulate) -> anyhow::Result<Setup> {
    Ok(Setup {
        cpus: options.cpus as u8,
        memory_mib: options.mem,
        options: self::options(&options.append)?,
        modules: read(Path::new(""), &options.modules)?,
        trace: options.trace.is_some(),
        timers_by_plan: false,
    })
}

/// What a child would boot, for those that have the machine in this process. With
/// `timers_by_plan` timers ring only when a plan says so.
pub fn setup_of(folder: &Path, machine: &Machine, timers_by_plan: bool) -> anyhow::Result<Setup> {
    Ok(Setup {
        cpus: machine.cpus as u8,
        memory_mib: machine.memory_mib,
        options: options(&machine.kernel_args.to_string())?,
        modules: read(folder, &machine.modules)?,
        trace: false,
        timers_by_plan,
    })
}

/// Reads the modules that these lines name, from the folder that they are run in.
fn read(folder: &Path, lines: &[OsString]) -> anyhow::Result<Vec<Module>> {
    let module = |line: &OsString| {
        let bytes = line.as_bytes();
        let path = folder.join(module_line::file(line));
        let file = std::fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(Module {
            string: bytes.to_vec(),
            file: match module_line::is_program(line) {
                true => loaded(file),
                false => file,
            },
        })
    };
    lines.iter().map(module).collect()
}

/// What a program is loaded from; all of a file that the kernel may refuse.
fn loaded(file: Vec<u8>) -> Vec<u8> {
    archive::without_symbols(file.clone()).unwrap_or(file)
}
