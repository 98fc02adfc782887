//! `jostle trace` and `jostle mem`: what is asked of a trace.
//!
//! The hard thing is that filters and pictures go together, but for one: of the address
//! spaces nothing can be left out.

use std::path::PathBuf;

use clap::Args;
use witness::trace::Kind;

use super::values::{count, cpu, hexadecimal, kind, kinds_help};
use super::{Run, lacks};

/// `jostle trace`. Filters combine: a record must pass all of them.
#[derive(Debug, Args, Clone)]
pub struct Trace {
    /// The trace.
    pub file: PathBuf,
    /// Only what is about this environment, by its id in hexadecimal.
    #[arg(long, value_name = "ID", value_parser = hexadecimal)]
    pub env: Option<u32>,
    /// Only what is about this frame, by its number in hexadecimal.
    #[arg(long, value_name = "PFN", value_parser = hexadecimal)]
    pub frame: Option<u32>,
    /// Only what is about the page of this virtual address, in hexadecimal.
    #[arg(long, value_name = "VA", value_parser = hexadecimal)]
    pub address: Option<u32>,
    /// Only these kinds; the help names all that there are.
    #[arg(long, value_name = "KIND,…", help = kinds_help(), value_delimiter = ',', value_parser = kind)]
    pub kind: Vec<Kind>,
    /// Only what is about this CPU.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = cpu)]
    pub cpu: Option<u32>,
    /// Print at most so many records.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub limit: Option<u64>,
    /// Draw who ran when, as a page that opens in any browser; filters choose the events
    /// in it.
    #[arg(long, value_name = "OUT")]
    pub html: Option<PathBuf>,
    /// The same as one drawing.
    #[arg(long, value_name = "OUT")]
    pub svg: Option<PathBuf>,
    /// The same as a file for Perfetto (ui.perfetto.dev).
    #[arg(long, value_name = "OUT")]
    pub perfetto: Option<PathBuf>,
    /// Draw the address spaces: what a fork shares, what copy-on-write splits.
    #[arg(long, value_name = "OUT", conflicts_with_all = ["env", "frame", "address", "kind", "cpu", "limit"])]
    pub memory: Option<PathBuf>,
}

/// `jostle mem`: what `run --machine sim` takes, with as many CPUs and as much memory as a
/// picture can show.
#[derive(Debug, Args)]
#[command(mut_arg("machine", |machine| machine.default_value("sim").hide(true)))]
#[command(mut_arg("mem", |mem| mem.default_value("64")))]
#[command(mut_args(|argument| lacks::hidden("mem", argument)))]
pub struct Mem {
    /// What is booted.
    #[command(flatten)]
    pub run: Run,
    /// The picture (default: the program's name, and .memory.svg).
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
}
