//! The simulated machine in the place of the emulator.
//!
//! A run on it is a child process as QEMU is, with the same description of the
//! machine, the same console and the same statuses; so time limits, signals,
//! terminals and tests are the same code for both. The hard thing is that the child
//! is this tool again, in a command that nobody types: [`arguments`] are its words,
//! [`simulate`] carries it out.

mod boot;
mod input;

use std::ffi::OsString;
use std::io::Write;

use anyhow::Context;
use pc::{Config, Pc};
use sim::machine::{Machine as Simulated, Store};

use crate::cli::{ConsoleInput, Simulate};
use crate::qemu::machine::{Input, Machine};
use crate::qemu::verdict;
use crate::status::usage;

use self::input::Typed;

/// Rounds of the machine between two looks at the console.
const ROUNDS: u32 = 64;

/// The child's command line, without the tool's own name.
pub fn arguments(machine: &Machine, seed: u64) -> Vec<OsString> {
    let console = match machine.input {
        Input::Terminal => ConsoleInput::Terminal,
        Input::Prompt => ConsoleInput::Prompt,
        Input::Stream => ConsoleInput::Stream,
    };
    let mut words: Vec<OsString> = vec![
        "simulate".into(),
        format!("--cpus={}", machine.cpus).into(),
        format!("--mem={}", machine.memory_mib).into(),
        format!("--seed={seed}").into(),
        format!("--input={}", console.name()).into(),
        format!("--append={}", machine.kernel_args).into(),
        "--".into(),
    ];
    words.extend(machine.modules.iter().cloned());
    words
}

/// Runs a machine until its end, and returns what QEMU's status would be.
pub fn simulate(options: &Simulate) -> anyhow::Result<u8> {
    let told = boot::options(&options.append)?;
    let files = boot::read(&options.modules)?;
    let spec = boot::spec(options, &told, &files);
    let mut store = Store::new(&spec);
    let mut machine = Simulated::new(&mut store, spec);
    let mut output = std::io::stdout();
    write(&mut output, boot::greeting(options.cpus).as_bytes())?;
    boot::programs(&mut machine, &files, &mut output)?;
    let seed = Config { seed: options.seed };
    let mut pc = Pc::new(machine, seed);
    let typed = Typed::listen(options.input);
    loop {
        typed.pending(|bytes| pc.type_in(bytes));
        for _ in 0..ROUNDS {
            if pc.has_ended() || pc.is_asleep() {
                break;
            }
            pc.round();
        }
        write(&mut output, &pc.take_output())?;
        if typed.wants_to_quit() {
            write(&mut output, verdict::QUIT_NOTICE)?;
            return Ok(0);
        }
        if pc.has_ended() {
            return Ok(verdict::CLEAN_END as u8);
        }
        if pc.is_asleep() {
            typed.wait(|bytes| pc.type_in(bytes));
        }
    }
}

fn write(output: &mut impl Write, bytes: &[u8]) -> anyhow::Result<()> {
    output
        .write_all(bytes)
        .and_then(|()| output.flush())
        .context("standard output")
}

/// Says what of a request the simulated machine cannot meet, before anything is
/// built.
pub fn check(options: &crate::cli::Run) -> anyhow::Result<()> {
    let refused = [
        (options.disk.is_some(), "--disk"),
        (options.nic.is_some(), "--nic"),
        (options.gdb_port.is_some(), "--gdb-port"),
        (options.icount, "--icount"),
        (options.monitor, "--monitor"),
        (options.record.is_some(), "--record"),
        (options.trace.is_some(), "--trace"),
    ];
    for (given, option) in refused {
        if given {
            return Err(usage(format_args!(
                "the simulated machine knows no {option}; QEMU does"
            )));
        }
    }
    boot::options(&options.append).map(|_| ())
}
