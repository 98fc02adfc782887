//! `jostle run`: what is booted, and on which machine.
//!
//! Most other commands that boot take these options too. The hard thing is that two
//! machines may play the guest's: which options make sense on the simulated one is
//! checked by that one ([`crate::simulated::check`]), as it knows them best.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use abi::Personality;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use pc::{Config, Pace};

use super::values::{count64, cpus, mebibytes, personality, seconds, whole};
use crate::nic::Nic;
use crate::server::Server;

/// `jostle run`.
#[derive(Debug, Args, Clone)]
pub struct Run {
    /// One of our programs, or, with a slash in it, an ELF file, a C file or a
    /// folder with a program's sources (default: a prompt that runs ours).
    #[arg(value_name = "PROGRAM")]
    pub program: Option<OsString>,
    /// Its arguments; after `--` they may begin with a hyphen. A `+` begins
    /// one more program, to be started after it; `++` is the argument `+`.
    #[arg(value_name = "ARGS")]
    pub args: Vec<OsString>,
    /// Start a server before the programs: one of ours or an ELF file, as a
    /// file server (type=fs, may use ports) or network server (type=ns).
    #[arg(
        long,
        value_name = "type=fs:PROGRAM",
        value_parser = OsStringValueParser::new().try_map(|text| Server::parse(&text))
    )]
    pub with: Vec<Server>,
    /// Attach FILE as a disk: the second one of the first IDE channel.
    #[arg(long, value_name = "FILE")]
    pub disk: Option<PathBuf>,
    /// What the guest writes to the disk lasts only as long as the run.
    #[arg(long, requires = "disk")]
    pub snapshot: bool,
    /// Attach a network card: e1000, ne2k_pci, pcnet, rtl8139 or
    /// virtio-net-pci, behind a router that QEMU plays, and pass the host's
    /// ports on to the guest's, as in e1000,tcp:8080:80,udp:7007:7.
    #[arg(long, value_name = "CARD,PORTS", value_parser = Nic::parse)]
    pub nic: Option<Nic>,
    /// Listen for a gdb at this port of the host, from the host itself.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u16>(1..=65535))]
    pub gdb_port: Option<u16>,
    /// Start stopped: gdb lets the CPUs go.
    #[arg(long, requires = "gdb_port")]
    pub stopped: bool,
    /// What plays the machine: QEMU, or the simulated machine, which is the same
    /// in every run (default: QEMU where that is installed or an option needs it).
    #[arg(long, value_name = "WHICH")]
    pub machine: Option<MachineKind>,
    /// What decides a run on the simulated machine (default: 0).
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count64)]
    pub seed: Option<u64>,
    /// How CPUs and interrupts behave on the simulated machine (default: fair).
    #[arg(long, value_name = "HOW")]
    pub pace: Option<PaceKind>,
    /// On the simulated machine, stores of a CPU become visible to others late, as
    /// processors do it.
    #[arg(long)]
    pub store_buffers: bool,
    /// On the simulated machine, check the whole state of the kernel and of the CPUs
    /// after every step; the run ends where something is broken.
    #[arg(long)]
    pub audit: bool,
    /// How many CPUs the machine has.
    #[arg(long, value_name = "N", default_value_t = 4, allow_negative_numbers = true, value_parser = cpus)]
    pub cpus: u32,
    /// How much memory, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 128, allow_negative_numbers = true, value_parser = mebibytes)]
    pub mem: u32,
    /// Count instructions instead of time: every run is the same.
    #[arg(long)]
    pub icount: bool,
    /// Stop after so many seconds, with status 124.
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Further kernel arguments.
    #[arg(
        long,
        value_name = "KERNEL ARGS",
        allow_hyphen_values = true,
        default_value = ""
    )]
    pub append: String,
    /// The edition all programs were built for (default: each one's symbols
    /// tell).
    #[arg(long, value_parser = personality())]
    pub personality: Option<Personality>,
    /// Enter the kernel's monitor at the end instead of powering off.
    #[arg(long)]
    pub monitor: bool,
    /// Write a record of every kernel entry to FILE.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Write a trace of pages, traps, switches and messages to FILE.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Whether to explain, on standard error, why programs were ended, and who waits for
    /// whom at the end.
    #[arg(long, value_name = "WHETHER", default_value = "on")]
    pub explain: Explain,
    /// Print the exact QEMU command.
    #[arg(short, long)]
    pub verbose: bool,
}

/// What plays the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MachineKind {
    /// The emulator: a PC with devices.
    Qemu,
    /// The simulated machine: the kernel's core and interpreted processors.
    Sim,
}

/// Whether to explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Explain {
    /// Yes, unless graders are to see what they expect.
    On,
    /// No.
    Off,
}

/// How CPUs and interrupts behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PaceKind {
    /// As on a calm PC: all at about the same pace.
    Fair,
    /// One far ahead of the others, interrupts where they hurt.
    Hostile,
}

impl From<PaceKind> for Pace {
    fn from(kind: PaceKind) -> Pace {
        match kind {
            PaceKind::Fair => Pace::Fair,
            PaceKind::Hostile => Pace::Hostile,
        }
    }
}

/// What standard input is, for a simulated machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConsoleInput {
    /// Bytes, all for the guest.
    Stream,
    /// A terminal; Ctrl-C stops everything.
    Terminal,
    /// A terminal; Ctrl-C is the guest's.
    Prompt,
}

impl ConsoleInput {
    /// As the command line has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Terminal => "terminal",
            Self::Prompt => "prompt",
        }
    }
}

/// `jostle simulate`, which [`Run`] starts.
#[derive(Debug, Args, Clone)]
pub struct Simulate {
    /// How many CPUs.
    #[arg(long)]
    pub cpus: u32,
    /// How much memory, in MiB.
    #[arg(long)]
    pub mem: u32,
    /// What decides the run.
    #[arg(long)]
    pub seed: u64,
    /// How CPUs and interrupts behave.
    #[arg(long)]
    pub pace: PaceKind,
    /// Whether stores become visible late.
    #[arg(long)]
    pub store_buffers: bool,
    /// Whether all is checked after every step.
    #[arg(long)]
    pub audit: bool,
    /// What standard input is.
    #[arg(long)]
    pub input: ConsoleInput,
    /// The kernel's arguments.
    #[arg(long)]
    pub append: String,
    /// Where the log for replay goes.
    #[arg(long)]
    pub record: Option<PathBuf>,
    /// Where the trace goes.
    #[arg(long)]
    pub trace: Option<PathBuf>,
    /// The disk's image.
    #[arg(long)]
    pub disk: Option<PathBuf>,
    /// The image stays as it is.
    #[arg(long)]
    pub snapshot: bool,
    /// What the person asked for, a word each: for the record.
    #[arg(long)]
    pub asked: Vec<OsString>,
    /// The boot modules: path and words each.
    #[arg(last = true)]
    pub modules: Vec<OsString>,
}

impl Run {
    /// What decides the run, if the simulated machine runs this.
    pub fn simulation(&self) -> Option<Config> {
        (self.machine == Some(MachineKind::Sim)).then(|| Config {
            seed: self.seed.unwrap_or(0),
            pace: self.pace.unwrap_or(PaceKind::Fair).into(),
            store_buffers: self.store_buffers,
        })
    }
}
