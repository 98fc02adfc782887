//! `jostle debug`: the simulated machine, forwards and backwards.
//!
//! The hard thing is which of two debuggers is meant: gdb is for people at a terminal
//! and for its own scripts, the small one for all other scripts and wherever there is
//! no gdb.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command};

use abi::EnvId;

use super::values::hexadecimal;
use super::{Run, lacks};

/// `jostle debug`: what `run --machine sim` takes, with less memory unless told
/// otherwise, since many states of it are kept.
#[derive(Debug, Args, Clone)]
#[command(mut_arg("machine", |machine| machine.default_value("sim").hide(true)))]
#[command(mut_arg("mem", |mem| mem.default_value("64")))]
#[command(mut_args(|argument| lacks::hidden("debug", argument)))]
pub struct Debug {
    /// What is booted.
    #[command(flatten)]
    pub run: Run,
    /// Where to stand at first: where a program `crash`es, where an environment gets a CPU
    /// (env:1001), or at a position of the run.
    #[arg(long, value_name = "PLACE", value_parser = At::parse)]
    pub at: Option<At>,
    /// Carry out gdb's commands in FILE, without a terminal, and end.
    #[arg(long, value_name = "FILE")]
    pub batch: Option<PathBuf>,
    /// A small debugger in the place of gdb. It is also what takes commands from a
    /// file or a pipe, and what there is without gdb; `help` lists its commands.
    #[arg(long, conflicts_with = "batch")]
    pub plain: bool,
    /// Carry out these commands of the small debugger, with `;` between them, and end.
    #[arg(short = 'x', long, value_name = "COMMANDS", conflicts_with = "batch")]
    pub execute: Option<String>,
    /// The options and arguments that were given, as they are called on the command
    /// line. What a file says must not be said again.
    #[arg(skip)]
    pub given: Vec<String>,
}

/// Where to stand at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Where a program is about to be ended for what it did.
    Crash,
    /// Where this environment gets a CPU.
    Env(EnvId),
    /// At this position, which only the simulated machine has.
    Position(u64),
}

impl At {
    /// Reads `crash`, `env:ID` or a position.
    pub(super) fn parse(text: &str) -> Result<At, String> {
        let wrong = || "crash, env:ID or a position is needed".to_owned();
        if text == "crash" {
            return Ok(At::Crash);
        }
        if let Some(id) = text.strip_prefix("env:") {
            let id = hexadecimal(id).map_err(|_| wrong())?;
            return Ok(At::Env(EnvId(id.cast_signed())));
        }
        text.parse().map(At::Position).map_err(|_| wrong())
    }
}

impl Debug {
    /// Notes what of `command` was given.
    pub(super) fn note_given(&mut self, command: &Command, matches: &ArgMatches) {
        let was_given = |arg: &&Arg| {
            matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
        };
        let name = |arg: &Arg| match arg.get_long() {
            Some(long) => format!("--{long}"),
            None => arg.get_id().to_string(),
        };
        self.given = command
            .get_arguments()
            .filter(was_given)
            .map(name)
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_names() {
        assert_eq!(At::parse("crash"), Ok(At::Crash));
        assert_eq!(At::parse("env:00001001"), Ok(At::Env(EnvId(0x1001))));
        assert_eq!(At::parse("12"), Ok(At::Position(12)));
        for wrong in ["", "env:", "env:x", "env:123456789", "-1", "crash "] {
            assert!(At::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
