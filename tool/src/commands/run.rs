//! `jostle run`: check the request, build the guest, boot it, pass on its
//! console and its verdict.
//!
//! The order matters: whatever is wrong with the request is said before
//! anything is built or started.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};

use anyhow::Context;

use crate::boot::Asked;
use crate::cli::Run;
use crate::filtered::Filtered;
use crate::host::Host;
use crate::qemu::blocking_writer::BlockingWriter;
use crate::qemu::conversation::Listener;
use crate::qemu::input::{self, TerminalGuard};
use crate::qemu::machine::Input;
use crate::qemu::supervise::{Limit, Supervisor};
use crate::qemu::verdict::Verdict;
use crate::report::note;
use crate::simulated::stand_in;
use crate::workspace::Workspace;

/// Boots the guest and returns the exit status that its end calls for.
pub fn run(options: &Run) -> anyhow::Result<u8> {
    let stand_in = stand_in::of(options);
    let options = stand_in.as_ref().unwrap_or(options);
    let asked = Asked::check(&Workspace::locate(), options)?;
    if stand_in.is_some() {
        note(stand_in::REMARK);
    }
    let who_asks = asked.who_asks();
    let host = match options.simulation() {
        Some(_) => Host::without_emulator()?,
        None => Host::find()?,
    };
    let mut boot = asked.build(&host)?;
    let listener = Listener::default();
    let supervisor = Supervisor::default();
    let (input, stdin) = match who_asks {
        Some(asks) => input::choose_for(asks, &listener, supervisor.input_is_over())?,
        None => input::choose(),
    };
    boot.machine.input = input;
    boot.announce(options.verbose);
    supervisor.catch_signals(&[])?;
    let tail = Tail::default();
    let output = Tailed {
        output: BlockingWriter::stdout().context("standard output")?,
        tail: tail.clone(),
    };
    let terminal = TerminalGuard::new(input);
    let mut command = boot.command();
    let messages = Filtered::stderr(&mut command, is_farewell).context("a pipe")?;
    let limit = options.timeout.map(Limit::Wall);
    let ending = boot.run(supervisor, command.stdin(stdin), &listener, output, limit)?;
    drop(command);
    messages.finish();
    drop(terminal);
    let machine = boot.machine.name();
    for remark in boot.finish()? {
        note(remark);
    }
    let verdict = Verdict::of(&ending, &tail.bytes(), input != Input::Stream);
    if let Some(remark) = verdict.remark(machine) {
        note(remark);
    }
    Ok(verdict.status())
}

/// QEMU's word on a signal that the tool has sent it.
fn is_farewell(line: &str) -> bool {
    line.contains(": terminating on signal ")
}

/// The last few bytes that went through standard output.
#[derive(Clone, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    const KEPT: usize = 64;

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().map(|bytes| bytes.clone()).unwrap_or_default()
    }

    fn remember(&self, bytes: &[u8]) {
        if let Ok(mut tail) = self.0.lock() {
            tail.extend(bytes);
            let surplus = tail.len().saturating_sub(Self::KEPT);
            tail.drain(..surplus);
        }
    }
}

/// Standard output, with its tail remembered.
struct Tailed {
    output: BlockingWriter<File>,
    tail: Tail,
}

impl Write for Tailed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.output.write(bytes)?;
        self.tail.remember(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush()
    }
}
