//! `jostle run`: check the request, build the guest, boot it, pass on its
//! console and its verdict.
//!
//! The order matters: whatever is wrong with the request is said before
//! anything is built or started.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};

use anyhow::Context;

use crate::boot::{Asked, roots};
use crate::cli::{Explain, Run};
use crate::crash::again::Again;
use crate::crash::heard::Heard;
use crate::crash::told::Told;
use crate::filtered::Filtered;
use crate::host::Host;
use crate::qemu::blocking_writer::BlockingWriter;
use crate::qemu::conversation::Listener;
use crate::qemu::input::{self, TerminalGuard};
use crate::qemu::machine::{Input, Machine};
use crate::qemu::supervise::{Limit, Supervisor};
use crate::qemu::verdict::Verdict;
use crate::report::note;
use crate::simulated::stand_in;
use crate::status;
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
    let has_prompt = asked.has_prompt();
    let explains = options.explain == Explain::On && !asked.is_for_graders();
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
    let told = told(options, &host, &boot.machine, has_prompt);
    let shown = Shared::default();
    let output = Watched {
        output: BlockingWriter::stdout().context("standard output")?,
        shown: shown.clone(),
        told: (explains && has_prompt).then(|| told.clone()),
    };
    let terminal = TerminalGuard::new(input);
    let mut command = boot.command();
    let messages = Filtered::stderr(&mut command, is_farewell).context("a pipe")?;
    let limit = options.timeout.map(Limit::Wall);
    let ending = boot.run(supervisor, command.stdin(stdin), &listener, output, limit)?;
    drop(command);
    messages.finish();
    drop(terminal);
    let Shown { tail, heard } = shown.take();
    let verdict = Verdict::of(&ending, &tail, input != Input::Stream);
    // Whoever stops a run does not wait for explanations.
    let is_over = matches!(verdict, Verdict::Clean | Verdict::TimeLimit);
    if explains && is_over && !has_prompt {
        told.tell(&heard, verdict == Verdict::Clean);
    }
    let status = match verdict.status() {
        status::CLEAN if explains && told.named_was_ended(&heard) => status::PROGRAM_ENDED,
        status => status,
    };
    let machine = boot.machine.name();
    for remark in boot.finish()? {
        note(remark);
    }
    if let Some(remark) = verdict.remark(machine) {
        note(remark);
    }
    if explains && verdict == Verdict::Panic {
        told.tell_panic();
    }
    Ok(status)
}

/// What explains this run.
fn told(options: &Run, host: &Host, machine: &Machine, has_prompt: bool) -> Told {
    Told {
        options: options.clone(),
        again: Again {
            folder: host.workspace.root().to_owned(),
            roots: roots(&host.workspace),
            machine: machine.clone(),
            config: options.simulation().unwrap_or_default(),
        },
        servers: options.with.len(),
        has_prompt,
    }
}

/// QEMU's word on a signal that the tool has sent it.
fn is_farewell(line: &str) -> bool {
    line.contains(": terminating on signal ")
}

/// What went through standard output.
#[derive(Default)]
struct Shown {
    /// The last few bytes.
    tail: Vec<u8>,
    /// What it said of environments.
    heard: Heard,
}

/// The same, for whoever writes and whoever looks afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Shown>>);

impl Shared {
    const KEPT: usize = 64;

    fn take(&self) -> Shown {
        let shown = self.0.lock();
        shown
            .map(|mut shown| std::mem::take(&mut *shown))
            .unwrap_or_default()
    }

    /// Keeps what was shown; whether it told of one more program that was ended.
    fn remember(&self, bytes: &[u8]) -> bool {
        self.0.lock().is_ok_and(|mut shown| {
            shown.tail.extend(bytes);
            let surplus = shown.tail.len().saturating_sub(Self::KEPT);
            shown.tail.drain(..surplus);
            let before = shown.heard.count;
            shown.heard.bytes(bytes);
            shown.heard.count > before
        })
    }
}

/// Standard output, watched.
struct Watched {
    output: BlockingWriter<File>,
    shown: Shared,
    /// How to explain a death while the run goes on, if somebody wants that.
    told: Option<Told>,
}

impl Write for Watched {
    /// A line at a time, so that what is said of a death comes behind what told of it.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.output.write_all(line)?;
            let died = self.shown.remember(line);
            if let Some(told) = self.told.as_ref().filter(|_| died)
                && let Ok(shown) = self.shown.0.lock()
            {
                told.tell_at_once(&shown.heard);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush()
    }
}
