//! The small debugger's lines: from the command line, a file or pipe, or a person.
//!
//! The hard thing is who made a mistake. A person is told and goes on; a script ends at
//! its first mistake, with the status of a wrong request.

use std::collections::VecDeque;
use std::io::{BufRead, IsTerminal, Write, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;
use signal_hook::consts::SIGINT;

use crate::cli::Debug;
use crate::debug::commands::{Command, parse};
use crate::debug::plain::Plain;
use crate::debug::programs::Programs;
use crate::debug::session::Session;
use crate::report::note;
use crate::status;
use crate::status::usage;

/// Where lines come from.
pub enum Script {
    /// From the command line.
    Given(VecDeque<String>),
    /// From standard input; whether a person sits there.
    Standard(bool),
}

/// The script that was asked for; none, if gdb is wanted.
pub fn of(options: &Debug) -> anyhow::Result<Option<Script>> {
    if let Some(commands) = &options.execute {
        let lines: VecDeque<String> = commands.split(';').map(str::to_owned).collect();
        // What is wrong is said before anything is built.
        for line in &lines {
            parse(line).map_err(usage)?;
        }
        return Ok(Some(Script::Given(lines)));
    }
    let wanted = options.batch.is_none() && (options.plain || !at_terminal());
    Ok(wanted.then(terminal))
}

/// Standard input.
pub fn terminal() -> Script {
    Script::Standard(at_terminal())
}

/// Carries out a script to its end.
pub fn run(
    options: &Debug,
    mut script: Script,
    session: &mut Session<'_>,
    programs: &Programs,
) -> anyhow::Result<u8> {
    let deadline = options
        .run
        .timeout
        .and_then(|limit| Instant::now().checked_add(limit));
    let is_late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let signalled = Arc::new(AtomicBool::new(false));
    let by_person = matches!(script, Script::Standard(true));
    if by_person {
        signal_hook::flag::register(SIGINT, Arc::clone(&signalled))?;
    }
    let mut interrupted = || signalled.swap(false, Ordering::Relaxed) || is_late();
    let mut plain = Plain {
        session,
        programs,
        interrupted: &mut interrupted,
    };
    let mut out = stdout();
    plain
        .perform(&Command::Where, &mut out)
        .map_err(anyhow::Error::msg)?;
    while let Some(line) = script.next(&mut out)? {
        let done = match parse(&line) {
            Ok(None) => Ok(()),
            Ok(Some(Command::Quit)) => break,
            Ok(Some(command)) => plain.perform(&command, &mut out),
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => {}
            Err(error) if by_person => note(error),
            Err(error) => return Err(usage(error)),
        }
        out.flush().context("standard output")?;
        if is_late() {
            note("the time limit was reached");
            return Ok(status::TIME_LIMIT);
        }
    }
    Ok(status::CLEAN)
}

/// Whether somebody sits at standard input.
fn at_terminal() -> bool {
    stdin().is_terminal()
}

impl Script {
    fn next(&mut self, out: &mut impl Write) -> anyhow::Result<Option<String>> {
        match self {
            Script::Given(lines) => Ok(lines.pop_front()),
            Script::Standard(by_person) => {
                if *by_person {
                    write!(out, "debug> ")?;
                    out.flush()?;
                }
                let mut line = Vec::new();
                let count = stdin().lock().read_until(b'\n', &mut line)?;
                Ok((count > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
            }
        }
    }
}
