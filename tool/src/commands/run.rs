//! `jostle run`: check the request, build the guest, boot it, pass on its
//! console and its verdict.
//!
//! The order matters: whatever is wrong with the request is said before
//! anything is built or started.

mod watched;

use anyhow::Context;

use self::watched::{Shown, Watch, Watched};
use crate::boot::{Asked, roots};
use crate::cli::{Explain, Run};
use crate::crash::again::Again;
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
    let watch = match (explains, has_prompt) {
        (false, _) => Watch::Tail,
        (true, false) => Watch::Deaths,
        (true, true) => {
            let told = told.clone();
            Watch::DeathsAtOnce(Box::new(move |heard| told.tell_at_once(heard)))
        }
    };
    let stdout = BlockingWriter::stdout().context("standard output")?;
    let (output, shown) = Watched::new(stdout, watch);
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
