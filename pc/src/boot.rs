//! What the kernel's hardware half does at boot: options, modules, the lines that
//! people and tests look for.
//!
//! The hard thing is that a module may be a file for the program before it, as for
//! the kernel itself.

use abi::call::FEATURES;
use abi::layout::{DIRECT_MAP_SIZE, PGSIZE};
use firmware::ModuleString;
use firmware::options::{BootOptions, End};
use sim::machine::{Machine, Program, Spec};

/// Records that one step of the kernel may tell the trace.
const TRACE: usize = 16 * 1024;
/// Bytes in the console's ring: as much as the kernel has.
const CONSOLE: usize = 32 * 1024;

/// A boot module, as a boot loader hands it over.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its path and words.
    pub string: Vec<u8>,
    /// Its file.
    pub file: Vec<u8>,
}

/// What is booted.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How many CPUs, 1 to 8.
    pub cpus: u8,
    /// How much memory, in MiB.
    pub memory_mib: u32,
    /// What the kernel is told.
    pub options: BootOptions,
    /// What there is to run.
    pub modules: Vec<Module>,
    /// Whether a trace is kept.
    pub trace: bool,
    /// Whether timers ring only when a plan says so; then each time ends a quantum.
    pub timers_by_plan: bool,
}

/// Reads what the kernel is told. The error says, in a line, what it is that this
/// machine does not understand or have.
pub fn options(words: &str) -> Result<BootOptions, String> {
    // The parser skips the kernel's path.
    let line = format!("/ {words}");
    let mut complaint = None;
    let told = BootOptions::parse(line.as_bytes(), |word| {
        complaint.get_or_insert_with(|| word.to_string());
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
        Some((_, word)) => Err(format!(
            "the simulated machine does not know {word}; QEMU's kernel does"
        )),
        None => Ok(told),
    }
}

impl Setup {
    /// The machine to simulate.
    pub fn spec(&self) -> Spec {
        let memory = u64::from(self.memory_mib) << 20;
        let frames = memory.min(DIRECT_MAP_SIZE.into()) / u64::from(PGSIZE);
        // A program and its archive are there at once.
        let pages = |module: &Module| module.file.len().div_ceil(PGSIZE as usize);
        let most = self.modules.iter().map(pages).max().unwrap_or(0) * 2;
        Spec {
            frames: frames as u32,
            module_frames: most as u32,
            cpus: self.cpus,
            quantum: match self.timers_by_plan {
                true => 0,
                false => u64::from(self.options.quantum_us) * 1000,
            },
            policy: self.options.sched,
            lifecycle: self.options.lifecycle,
            features: if self.options.extensions { FEATURES } else { 0 },
            console: CONSOLE,
            trace: if self.trace { TRACE } else { 0 },
            ..Spec::default()
        }
    }

    /// What the kernel says when its CPUs are up.
    pub fn greeting(&self) -> String {
        let cpus = self.cpus;
        let started = (1..cpus).map(|cpu| format!("SMP: CPU {cpu} starting\n"));
        let mut text = format!("SMP: CPU 0 found {cpus} CPU(s)\n");
        text.extend(started);
        text
    }

    /// Makes an environment of every module that is a program. Returns a line for each
    /// that cannot be run.
    pub fn boot(&self, machine: &mut Machine<'_>) -> Vec<String> {
        let mut room = [0; PGSIZE as usize];
        let mut modules = self.modules.iter().peekable();
        let mut complaints = Vec::new();
        while let Some(module) = modules.next() {
            let string = ModuleString::parse(&module.string);
            let archive = modules.next_if(|next| ModuleString::parse(&next.string).is_archive);
            let Some(arguments) = string.copy_arguments(&mut room) else {
                complaints.push(format!("{}: arguments too long", string.name()));
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
                let name = string.name();
                complaints.push(format!("{name}: cannot be loaded: {error:?}"));
            }
        }
        complaints
    }
}
