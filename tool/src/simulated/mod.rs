//! The simulated machine in the place of the emulator.
//!
//! A run on it is a child process as QEMU is, with the same description of the
//! machine, the same console and the same statuses; so time limits, signals,
//! terminals and tests are the same code for both. The hard thing is that the child
//! is this tool again, in a command that nobody types: [`arguments`] are its words,
//! [`simulate`] carries it out.

pub mod boot;
mod disk;
mod input;
mod logs;
pub mod stand_in;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use pc::boot::Setup;
use pc::ide::Ide;
use pc::{Config, Pace, Pc};
use schedules::schedule::digest;
use sim::machine::{Machine as Inner, Store};
use witness::log_memory::Purpose;

use crate::cli::{ConsoleInput, PaceKind, Simulate};
use crate::plants;
use crate::qemu::machine::{Input, Machine, Simulated};
use crate::qemu::verdict;
use crate::status::usage;
use crate::workspace::Workspace;

pub use self::disk::Image;
use self::input::Typed;
use self::logs::LogFile;

/// Positions of the machine between two looks at the console.
const STRETCH: u64 = 50_000;

/// The child's command line, without the tool's own name.
pub fn arguments(machine: &Machine, simulated: &Simulated) -> Vec<OsString> {
    let config = simulated.config;
    let pace = match config.pace {
        Pace::Fair => PaceKind::Fair,
        Pace::Hostile => PaceKind::Hostile,
    };
    let console = match machine.input {
        Input::Terminal => ConsoleInput::Terminal,
        Input::Prompt => ConsoleInput::Prompt,
        Input::Stream => ConsoleInput::Stream,
    };
    let mut words: Vec<OsString> = vec![
        "simulate".into(),
        format!("--cpus={}", machine.cpus).into(),
        format!("--mem={}", machine.memory_mib).into(),
        format!("--seed={}", config.seed).into(),
        format!("--pace={}", pace.name()).into(),
        format!("--input={}", console.name()).into(),
        format!("--append={}", machine.kernel_args).into(),
    ];
    if config.store_buffers {
        words.push("--store-buffers".into());
    }
    if machine.audit {
        words.push("--audit".into());
    }
    for log in &machine.logs {
        words.push(format!("--{}", log.name()).into());
        words.push(log.path.clone().into());
    }
    if let Some(disk) = &machine.disk {
        words.extend(["--disk".into(), disk.into()]);
    }
    if machine.snapshot {
        words.push("--snapshot".into());
    }
    for asked in &simulated.words {
        let mut word = OsString::from("--asked=");
        word.push(asked);
        words.push(word);
    }
    words.push("--".into());
    words.extend(machine.modules.iter().cloned());
    words
}

/// Runs a machine until its end, and returns what QEMU's status would be.
pub fn simulate(options: &Simulate) -> anyhow::Result<u8> {
    let setup = boot::setup(options)?;
    let spec = setup.spec();
    let mut store = Store::new(&spec);
    let mut machine = Inner::new(&mut store, spec);
    let mut logs = Logs::open(options)?;
    let disk = options.disk.as_deref();
    let disk = disk.map(|path| Image::open(path, options.snapshot));
    let disk = disk.transpose()?;
    if logs.record.is_some() {
        let words: Vec<&[u8]> = options.asked.iter().map(|word| word.as_bytes()).collect();
        let files = digests(&setup, disk.as_ref().map(Image::contents));
        machine.keep_log().asked(&words, &files);
    }
    let mut output = std::io::stdout();
    write(&mut output, setup.greeting().as_bytes())?;
    for complaint in setup.boot(&mut machine) {
        write(&mut output, format!("{complaint}\n").as_bytes())?;
    }
    let config = Config {
        seed: options.seed,
        pace: options.pace.into(),
        store_buffers: options.store_buffers,
    };
    let mut pc = Pc::new(machine, config);
    pc.disk = disk.as_ref().map(|image| Ide::new(image.contents()));
    let typed = Typed::listen(options.input);
    loop {
        typed.pending(|bytes| pc.type_in(bytes));
        let checked = if options.audit {
            pc.advance_checked(STRETCH)
        } else {
            pc.advance(STRETCH);
            Ok(())
        };
        if let (Some(disk), Some(image)) = (&mut pc.disk, &disk) {
            image.write(disk)?;
        }
        write(&mut output, &pc.take_output())?;
        let ended = pc.has_ended();
        logs.write(&mut pc.machine, ended)?;
        checked.map_err(|violation| {
            let position = pc.position();
            anyhow!("the kernel's state is broken at {position}: {violation}")
        })?;
        if typed.wants_to_quit() {
            write(&mut output, verdict::QUIT_NOTICE)?;
            return Ok(0);
        }
        if ended {
            pc.machine
                .audit()
                .map_err(|broken| anyhow!("the kernel's state is broken: {broken:?}"))?;
            return Ok(verdict::CLEAN_END as u8);
        }
        if pc.is_asleep() {
            typed.wait(|bytes| pc.type_in(bytes));
        }
    }
}

/// The files that decide a run, as numbers: those of the modules, then the disk.
pub fn digests(setup: &Setup, disk: Option<Arc<[u8]>>) -> Vec<u128> {
    let modules = setup.modules.iter().map(|module| digest(&module.file));
    modules.chain(disk.map(|image| digest(&image))).collect()
}

/// The logs that are kept.
struct Logs {
    record: Option<LogFile>,
    trace: Option<LogFile>,
}

impl Logs {
    fn open(options: &Simulate) -> anyhow::Result<Logs> {
        let open = |path: &Option<PathBuf>, purpose| {
            let path = path.as_deref();
            path.map(|path| LogFile::open(path, purpose)).transpose()
        };
        Ok(Logs {
            record: open(&options.record, Purpose::Record)?,
            trace: open(&options.trace, Purpose::Trace)?,
        })
    }

    /// Writes what has come since the last time; `ended` if nothing more will.
    fn write(&mut self, machine: &mut Inner<'_>, ended: bool) -> anyhow::Result<()> {
        if let (Some(file), Some(log)) = (&mut self.record, &mut machine.log) {
            if ended {
                log.end(&machine.kernel);
            }
            file.append(&log.take())?;
        }
        if let Some(file) = &mut self.trace {
            file.append_records(&std::mem::take(&mut machine.trace))?;
        }
        Ok(())
    }
}

fn write(output: &mut impl Write, bytes: &[u8]) -> anyhow::Result<()> {
    output
        .write_all(bytes)
        .and_then(|()| output.flush())
        .context("standard output")
}

/// An option that was given and that only the simulated machine has.
pub fn only_here(options: &crate::cli::Run) -> Option<&'static str> {
    let known = [
        (options.seed.is_some(), "--seed"),
        (options.pace.is_some(), "--pace"),
        (options.store_buffers, "--store-buffers"),
        (options.audit, "--audit"),
    ];
    let given = known.into_iter().find(|(given, _)| *given);
    given.map(|(_, option)| option)
}

/// Says what of a request the simulated machine cannot meet, before anything is
/// built.
pub fn check(options: &crate::cli::Run) -> anyhow::Result<()> {
    let refused = [
        (options.nic.is_some(), "--nic"),
        (options.gdb_port.is_some(), "--gdb-port"),
        (options.icount, "--icount"),
        (options.monitor, "--monitor"),
    ];
    for (given, option) in refused {
        if given {
            return Err(usage(format_args!(
                "the simulated machine knows no {option}; QEMU does"
            )));
        }
    }
    if let Some(disk) = &options.disk {
        disk::check(disk)?;
    }
    // The tool of the copy understands it.
    plants::tool::is_needed(&Workspace::locate(), &options.append)?;
    let words = options.append.split_whitespace();
    let own: Vec<&str> = words.filter(|word| !plants::wakes(word)).collect();
    boot::options(&own.join(" ")).map(|_| ())
}
