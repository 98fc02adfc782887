//! `cargo test`, with its output passed on and counted.
//!
//! The hard thing is a test that hangs. Silence does not tell: on a slow machine
//! compiling takes longer than any test should. So each case has a limit of
//! its own, by a clock that stands still while other programs have the CPUs,
//! and nothing else has one. See docs/decisions/0007-time-limits.md.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};

use anyhow::Context;

use super::count::Tally;
use super::slow::{self, Slow};
use crate::fair_clock::{self, FairClock};
use crate::host_cargo;
use crate::process_group::Group;
use crate::report::{note, result};
use crate::workspace::Workspace;

/// The host's tests and the QEMU cases, shown as they come.
pub fn cargo_test<'a>(
    workspace: &Workspace,
    arguments: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<Tally> {
    let mut command = host_cargo::command(workspace, "test");
    command.arg("--no-fail-fast").args(arguments);
    if std::env::var_os(slow::THREADS).is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        command.env(slow::THREADS, cores.max(slow::LEAST_THREADS).to_string());
    }
    let mut running = Group::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))
        .context("cannot start cargo")?;
    let output = running.stdout().context("cargo has no output")?;
    let mut clock = FairClock::of(running.id());
    let mut slow = Slow::default();
    let mut tally = Tally::default();
    let lines = lines_of(output);
    loop {
        match lines.recv_timeout(fair_clock::INTERVAL) {
            Ok(line) => {
                let text = String::from_utf8_lossy(&line);
                result(&text);
                tally.read(&text);
                slow.read(&text, clock.read());
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(name) = slow.overdue(clock.read()) {
            note(format_args!(
                "{name} hangs; its test binary was stopped, and what else is in it left out"
            ));
            tally.add(false);
            slow = Slow::default();
            running.kill_children();
        }
    }
    let succeeded = running.wait()?.success();
    if !succeeded && tally.failed == 0 {
        // Something did not compile, or a test binary ended without a summary.
        tally.add(false);
    }
    Ok(tally)
}

/// The lines of a stream, as they come; their ends belong to them.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(1..) if sender.send(line).is_ok() => {}
                _ => return,
            }
        }
    });
    lines
}
