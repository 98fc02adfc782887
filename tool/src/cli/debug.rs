//! `jostle debug`: the simulated machine, forwards and backwards.
//!
//! The hard thing is which of two debuggers is meant: gdb is for people at a terminal
//! and for its own scripts, the small one for all other scripts and wherever there is
//! no gdb.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command};

use super::Run;

/// `jostle debug`: what `run --machine sim` takes, with less memory unless told
/// otherwise, since many states of it are kept.
#[derive(Debug, Args, Clone)]
#[command(mut_arg("machine", |machine| machine.default_value("sim").hide(true)))]
#[command(mut_arg("mem", |mem| mem.default_value("64")))]
pub struct Debug {
    /// What is booted.
    #[command(flatten)]
    pub run: Run,
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
