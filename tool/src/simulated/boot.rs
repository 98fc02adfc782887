//! What the kernel's hardware half does at boot, for the simulated machine: options,
//! modules, the lines that people and tests look for.
//!
//! The hard thing is that a module may be a file for the program before it, as for
//! the kernel itself.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use abi::layout::{DIRECT_MAP_SIZE, PGSIZE};
use anyhow::Context;
use firmware::ModuleString;
use firmware::options::{BootOptions, End};
use sim::machine::{Machine, Program, Spec};

use crate::cli::Simulate;
use crate::status::usage;

/// Records that one step of the kernel may tell the trace.
const TRACE: usize = 16 * 1024;
/// Bytes in the console's ring: as much as the kernel has.
const CONSOLE: usize = 32 * 1024;

/// A boot module: its string and its file.
pub struct Module {
    string: Vec<u8>,
    file: Vec<u8>,
}

/// What the kernel is told. What this machine has not is refused.
pub fn options(words: &str) -> anyhow::Result<BootOptions> {
    // The parser skips the kernel's path.
    let line = format!("/ {words}");
    let mut complaint = None;
    let told = BootOptions::parse(line.as_bytes(), |word| {
        complaint.get_or_insert_with(|| usage(word));
    });
    if let Some(complaint) = complaint {
        return Err(complaint);
    }
    let refused = [
        (told.grading, "grading"),
        (told.end == End::Monitor, "end=monitor"),
        (told.boottime, "boottime=on"),
    ];
    match refused.iter().find(|(asked, _)| *asked) {
        Some((_, word)) => Err(usage(format_args!(
            "the simulated machine does not know {word}; QEMU's kernel does"
        ))),
        None => Ok(told),
    }
}

/// Reads the modules that these lines name.
pub fn read(lines: &[OsString]) -> anyhow::Result<Vec<Module>> {
    let module = |line: &OsString| {
        let bytes = line.as_bytes();
        let path = bytes.split(|&byte| byte == b' ').next().unwrap_or(bytes);
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let file = std::fs::read(path).with_context(|| path.display().to_string())?;
        Ok(Module {
            string: bytes.to_vec(),
            file,
        })
    };
    lines.iter().map(module).collect()
}

/// The machine to simulate.
pub fn spec(options: &Simulate, told: &BootOptions, modules: &[Module]) -> Spec {
    let memory = u64::from(options.mem) << 20;
    let frames = memory.min(DIRECT_MAP_SIZE.into()) / u64::from(PGSIZE);
    // A program and its archive are there at once.
    let pages = |module: &Module| module.file.len().div_ceil(PGSIZE as usize);
    let most = modules.iter().map(pages).max().unwrap_or(0) * 2;
    Spec {
        frames: frames as u32,
        module_frames: most as u32,
        cpus: options.cpus as u8,
        quantum: u64::from(told.quantum_us) * 1000,
        lifecycle: told.lifecycle,
        console: CONSOLE,
        trace: if options.trace.is_some() { TRACE } else { 0 },
        ..Spec::default()
    }
}

/// What the kernel says when its CPUs are up.
pub fn greeting(cpus: u32) -> String {
    let started = (1..cpus).map(|cpu| format!("SMP: CPU {cpu} starting\n"));
    let mut text = format!("SMP: CPU 0 found {cpus} CPU(s)\n");
    text.extend(started);
    text
}

/// Makes an environment of every module that is a program; says which cannot be run.
pub fn programs(
    machine: &mut Machine<'_>,
    modules: &[Module],
    output: &mut impl Write,
) -> anyhow::Result<()> {
    let mut room = [0; PGSIZE as usize];
    let mut modules = modules.iter().peekable();
    while let Some(module) = modules.next() {
        let string = ModuleString::parse(&module.string);
        let archive = modules.next_if(|next| ModuleString::parse(&next.string).is_archive);
        let Some(arguments) = string.copy_arguments(&mut room) else {
            writeln!(output, "{}: arguments too long", string.name()).context("standard output")?;
            continue;
        };
        let program = Program {
            image: &module.file,
            arguments,
            personality: string.personality,
            kind: string.kind,
            archive: archive.map_or(&[], |archive| &archive.file),
        };
        if let Err(error) = machine.boot_program(program) {
            writeln!(output, "{}: cannot be loaded: {error:?}", string.name())
                .context("standard output")?;
        }
    }
    Ok(())
}
