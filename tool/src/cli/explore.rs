//! `jostle explore`: searches schedules, of a program or of the kernel itself.

use std::path::PathBuf;

use clap::Args;

use super::values::{count, whole};
use super::{Run, lacks};

/// `jostle explore`: what `run --machine sim` takes, with few CPUs and little memory
/// unless told otherwise, since it is run thousands of times.
#[derive(Debug, Args, Clone)]
#[command(mut_arg("machine", |machine| machine.default_value("sim").hide(true)))]
#[command(mut_arg("cpus", |cpus| cpus.default_value("2")))]
#[command(mut_arg("mem", |mem| mem.default_value("16")))]
#[command(mut_args(|argument| lacks::hidden("explore", argument)))]
pub struct Explore {
    /// What is run.
    #[command(flatten)]
    pub run: Run,
    /// How many runs with random priorities.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = count)]
    pub seeds: u64,
    /// Then all runs with at most K pre-emptions.
    #[arg(long, value_name = "K", default_value_t = 2, value_parser = whole::<u32>(0..=8))]
    pub bound: u32,
    /// Of those, as many as come by N different states; memory grows with N. --timeout
    /// stops the whole search, with what it has covered, and the shortening of what was
    /// found.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = count)]
    pub states: u64,
    /// A line that matches is a failure, beside programs that are killed (default: a
    /// line with the word BUG).
    #[arg(long, value_name = "REGEX")]
    pub fail: Option<String>,
    /// To end with somebody asleep, or not to end, is a failure too.
    #[arg(long)]
    pub hang: bool,
    /// Write the schedule that fails to FILE, whose name ends in .schedule (default: below target/schedules/).
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Search small histories of the kernel's core instead; only these, if any are
    /// named in the place of a program.
    #[arg(long, conflicts_with_all = ["seeds", "bound", "states", "fail", "hang", "save"])]
    pub kernel: bool,
    /// With --kernel: in a kernel with this planted bug; plants/ has them.
    #[arg(long, value_name = "NAME", requires = "kernel")]
    pub plant: Option<String>,
}
