//! `jostle new` and `jostle try`: a program of one's own, and whether it does what it
//! should.

use std::path::PathBuf;

use clap::Args;

use super::values::count;
use super::{Run, lacks};

/// `jostle new`.
#[derive(Debug, Args, Clone)]
pub struct New {
    /// What the program is called.
    pub name: String,
    /// A folder for it, which need not be in this tree (default: among our programs).
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Write it in C instead of Rust.
    #[arg(long = "c")]
    pub in_c: bool,
}

/// `jostle try`: what `run --machine sim` takes, with little memory unless told otherwise,
/// since it is run many times.
#[derive(Debug, Args, Clone)]
#[command(mut_arg("machine", |machine| machine.default_value("sim").hide(true)))]
#[command(mut_arg("mem", |mem| mem.default_value("16")))]
#[command(mut_args(|argument| lacks::hidden("try", argument)))]
pub struct Try {
    /// What is run.
    #[command(flatten)]
    pub run: Run,
    /// Under how many schedules: the machine's own, then random ones.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = count)]
    pub schedules: u64,
    /// A line of the console must have TEXT in it; of several, one after the other.
    #[arg(long, value_name = "TEXT")]
    pub prints: Vec<String>,
    /// No line of the console may have TEXT in it.
    #[arg(long, value_name = "TEXT")]
    pub never_prints: Vec<String>,
    /// Environments may be left that wait for ever, as servers do.
    #[arg(long)]
    pub may_wait: bool,
    /// Make the schedule that fails as short as can be found, and tell it in words.
    #[arg(long)]
    pub shortest: bool,
}
