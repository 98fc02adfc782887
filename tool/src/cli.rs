//! The command line, which is a contract: what can be asked, and in what form
//! a wrong question is answered (one line, status 2).

mod debug;
mod explore;
mod lab;
mod lacks;
mod own;
mod repeat;
mod run;
mod trace;
mod values;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;

use abi::Personality;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use self::values::{personality, whole};
use crate::quoting::shell_word;
use crate::report::{final_status, note, result};
use crate::status;

pub use self::debug::{At, Debug};
pub use self::explore::Explore;
pub use self::lab::{Checking, LabCommand, LabDeed};
pub use self::own::{New, Try};
pub use self::repeat::Repeat;
pub use self::run::{ConsoleInput, Explain, MachineKind, PaceKind, Run, Simulate};
pub use self::trace::{Mem, Trace};

/// Jostle: an exokernel for 32-bit PCs that runs JOS programs.
#[derive(Debug, Parser)]
#[command(name = "jostle", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Boot the kernel and run programs; end when nothing is left to run.
    Run(Run),
    /// The same under gdb, stopped at the program's first instruction.
    Gdb(Gdb),
    /// Run programs on the simulated machine under a debugger that goes forwards and
    /// backwards.
    Debug(Debug),
    /// Write an image that boots from a CD or a USB stick.
    Image(Image),
    /// Grade the programs of a folder of the JOS course, with its own grader.
    Grade(Grade),
    /// What `run --machine sim` starts in the place of QEMU.
    #[command(hide = true)]
    Simulate(Simulate),
    /// What the grader's make starts in the place of QEMU.
    #[command(hide = true)]
    StandIn(StandIn),
    /// Run every check and test; the last line is `N passed, N failed`.
    Test(Test),
    /// Measure the kernel's main paths, in instructions or by the clock.
    Bench(Bench),
    /// Give a record made with `run --record` to the same core on the host.
    Replay {
        /// The record.
        file: PathBuf,
    },
    /// Print or draw a trace made with `run --trace`, or what is asked for of it.
    Trace(Trace),
    /// Draw the memory of a program's environments over time: what a fork shares, what
    /// copy-on-write splits.
    Mem(Mem),
    /// Show the simulated machine in a browser, forwards and backwards.
    Web(Web),
    /// Run a program under many schedules, to find one under which it fails.
    Explore(Explore),
    /// Begin a program of your own: its source, and a test.
    New(New),
    /// Run a program under many schedules, and look at what it prints.
    Try(Try),
    /// Exercises of a course: folders to work in, and their tests.
    Lab(LabCommand),
    /// Make the pages of the library that programs use, and say where they are.
    Doc {
        /// Also open them, with what this machine opens pages with.
        #[arg(long)]
        open: bool,
    },
    /// Make this book's pages, with mdBook, and say where they are.
    Book {
        /// Also open them, with what this machine opens pages with.
        #[arg(long)]
        open: bool,
        /// Have links to sources lead to the tree at this address: for pages on the web.
        #[arg(long, value_name = "URL")]
        sources: Option<String>,
    },
    /// Say what was found on this machine, and how to get what is missing.
    Doctor,
    /// Get what is missing on this machine, or one part of it.
    Setup {
        /// Only the emulator, the debugger, or what makes images.
        part: Option<Part>,
        /// Unpack private copies, whatever is installed.
        #[arg(long)]
        private: bool,
    },
    /// Remove what was built in this tree.
    Clean {
        /// Also the private copies of QEMU, gdb and GRUB, which all trees of
        /// this user share.
        #[arg(long)]
        all: bool,
    },
}

/// What `jostle setup` can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The emulator.
    Qemu,
    /// The debugger.
    Gdb,
    /// GRUB.
    Image,
}

/// `jostle gdb`: all that `run` takes, with one CPU unless told otherwise,
/// since every CPU is a thread to gdb.
#[derive(Debug, Args, Clone)]
#[command(mut_arg("cpus", |cpus| cpus.default_value("1")))]
#[command(mut_args(|argument| lacks::hidden("gdb", argument)))]
pub struct Gdb {
    /// What is booted.
    #[command(flatten)]
    pub run: Run,
    /// Where to stand at first: where a program `crash`es, or where an environment gets a
    /// CPU (env:1001).
    #[arg(long, value_name = "PLACE", value_parser = At::parse)]
    pub at: Option<At>,
    /// Carry out gdb's commands in FILE, without a terminal, and end.
    #[arg(long, value_name = "FILE")]
    pub batch: Option<PathBuf>,
    /// Write the guest's console to FILE, which may be another terminal
    /// (default: standard output).
    #[arg(long, value_name = "FILE")]
    pub console: Option<PathBuf>,
}

/// `jostle image`.
#[derive(Debug, Args)]
pub struct Image {
    /// One of our programs, or, with a slash in it, an ELF file (default: a
    /// prompt that runs ours).
    #[arg(value_name = "PROGRAM")]
    pub program: Option<OsString>,
    /// The program's arguments; after `--` they may begin with a hyphen.
    #[arg(value_name = "ARGS")]
    pub args: Vec<OsString>,
    /// The image, which must not exist yet.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Further kernel arguments.
    #[arg(
        long,
        value_name = "KERNEL ARGS",
        allow_hyphen_values = true,
        default_value = ""
    )]
    pub append: String,
    /// The edition the program was built for (default: from its symbols).
    #[arg(long, value_parser = personality())]
    pub personality: Option<Personality>,
    /// Enter the kernel's monitor at the end instead of powering off.
    #[arg(long)]
    pub monitor: bool,
    /// Print the exact command that makes the image.
    #[arg(short, long)]
    pub verbose: bool,
}

/// `jostle grade`.
#[derive(Debug, Args, Clone)]
pub struct Grade {
    /// The folder: one of the course, with its GNUmakefile, grader and gradelib.py, or one
    /// that `jostle lab new` has made.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Only tests whose title contains one of these (default: all, and a score); of a lab,
    /// these exercises.
    #[arg(value_name = "TEST")]
    pub tests: Vec<OsString>,
    /// Which lab, if the folder has several graders (default: conf/lab.mk
    /// tells).
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u8>(3..=5))]
    pub lab: Option<u8>,
    /// The year of the course, if its programs do not tell: 2014, or one from
    /// 2011 to 2018.
    #[arg(long, value_name = "YEAR", allow_negative_numbers = true, value_parser = whole::<u16>(2011..=2018))]
    pub edition: Option<u16>,
    /// How many CPUs each test gets (default: as many as it asks for).
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u32>(1..=32))]
    pub cpus: Option<u32>,
    /// Leave the copy that is graded, with the output of failed tests, as DIR.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Print the commands.
    #[arg(short, long)]
    pub verbose: bool,
    /// How a lab's folder is graded.
    #[command(flatten, next_help_heading = "For the folder of a lab")]
    pub how: Checking,
}

/// `jostle stand-in`, which [`Grade`] has written into a script.
#[derive(Debug, Args, Clone)]
pub struct StandIn {
    /// Held by the grading tool; free when that has ended.
    #[arg(long, value_name = "FILE")]
    pub lock: PathBuf,
    /// As for [`Grade`].
    #[arg(long, value_name = "YEAR")]
    pub edition: Option<u16>,
    /// As for [`Grade`].
    #[arg(long, value_name = "N")]
    pub cpus: Option<u32>,
    /// Print the exact QEMU command.
    #[arg(short, long)]
    pub verbose: bool,
    /// What QEMU was asked for.
    #[arg(last = true)]
    pub line: Vec<OsString>,
}

/// `jostle test`.
#[derive(Debug, Args)]
pub struct Test {
    /// Only checks and tests whose name contains this; `quick` for those of the
    /// kernel's core and of the simulated machine on one and two CPUs, without
    /// QEMU.
    pub filter: Option<String>,
}

/// `jostle web`.
#[derive(Debug, Args)]
pub struct Web {
    /// Serve the page at this port of this machine (default: 8000; 0 for any that is
    /// free).
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u16>(0..=65535))]
    pub port: Option<u16>,
    /// Write the page into DIR instead: files that need no server.
    #[arg(long, value_name = "DIR", conflicts_with = "port")]
    pub out: Option<PathBuf>,
}

/// `jostle bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// Count instructions under QEMU: exact and repeatable.
    #[arg(long, required_unless_present_any = ["programs", "account", "wall"])]
    pub icount: bool,
    /// Time whole programs on the simulated machine and in QEMU: true of this
    /// machine at this moment.
    #[arg(long)]
    pub programs: bool,
    /// Time the kernel's main paths in QEMU without counting: minimum and median in ticks,
    /// true of this machine at this moment.
    #[arg(long)]
    pub wall: bool,
    /// Also time the same work by N workers on N CPUs beside one on one.
    #[arg(long, value_name = "N", requires = "wall", allow_negative_numbers = true, value_parser = whole::<u32>(2..=16))]
    pub cpus: Option<u32>,
    /// Say where the instructions of a row go, by stages and functions; `all` for the rows
    /// of the book's chapter.
    #[arg(long, value_name = "ROW", conflicts_with_all = ["icount", "programs", "wall", "json"])]
    pub account: Option<String>,
    /// Also write the figures to FILE.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Also write the tables to FILE, as a page of the book: with `--icount --programs`
    /// docs/measurements.md, with `--account all` docs/where-instructions-go.md.
    #[arg(long, value_name = "FILE")]
    pub page: Option<PathBuf>,
    /// Print the exact QEMU commands.
    #[arg(short, long)]
    pub verbose: bool,
}

/// Parses the arguments; what is wrong with them has been said when this
/// returns an exit status.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, u8> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    read(&arguments).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            result(error.render());
            final_status(status::CLEAN)
        }
        ErrorKind::InvalidUtf8 => {
            let odd = arguments
                .iter()
                .find(|argument| argument.to_str().is_none());
            note(format_args!(
                "not text: {}",
                odd.map_or_else(String::new, |odd| shell_word(odd))
            ));
            status::USAGE
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            status::USAGE
        }
        _ => {
            note(one_line(&error.to_string()));
            status::USAGE
        }
    })
}

/// As [`parse`], without a word to anybody.
pub fn read(arguments: &[OsString]) -> clap::error::Result<Cli> {
    let mut definition = Cli::command();
    let matches = definition.try_get_matches_from_mut(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut definition))?;
    if let (Command::Debug(debug), Some((name, matches))) = (&mut cli.command, matches.subcommand())
        && let Some(definition) = definition.find_subcommand(name)
    {
        debug.note_given(definition, matches);
    }
    Ok(cli)
}

/// The arguments of `jostle run`, given as words: for tests and other commands.
pub fn run_options<I, S>(words: I) -> anyhow::Result<Run>
where
    I: IntoIterator<Item = S>,
    S: Into<OsString>,
{
    let words = words.into_iter().map(Into::into);
    let line = ["jostle".into(), "run".into()].into_iter().chain(words);
    match Cli::try_parse_from(line)?.command {
        Command::Run(run) => Ok(run),
        _ => anyhow::bail!("not a `run` command"),
    }
}

/// Clap's message without its usage section, in one line.
fn one_line(message: &str) -> String {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let told: Vec<&str> = message
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty() && !line.starts_with("tip:"))
        .collect();
    told.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str]) -> Result<Run, clap::Error> {
        let words = ["jostle", "run"].iter().chain(words);
        match Cli::try_parse_from(words)?.command {
            Command::Run(run) => Ok(run),
            other => panic!("expected `run`, got {other:?}"),
        }
    }

    fn strings(words: &[OsString]) -> Vec<&str> {
        words.iter().filter_map(|word| word.to_str()).collect()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// Whatever is wrong is said in our words, not in those of the standard library.
    #[test]
    fn no_option_speaks_of_parsing() {
        let definition = Cli::command();
        let typed = definition.get_subcommands();
        for command in typed.filter(|command| !command.is_hide_set()) {
            for option in command.get_opts().filter_map(clap::Arg::get_long) {
                let value = format!("--{option}=-");
                let said = Cli::try_parse_from(["jostle", command.get_name(), &value])
                    .map_or_else(|error| error.to_string(), |_| String::new());
                for word in ["invalid digit", "parse", "is not in"] {
                    assert!(!said.contains(word), "{}: {said}", command.get_name());
                }
            }
        }
    }

    #[test]
    fn defaults() {
        let run = run(&[]).expect("valid");
        assert_eq!(run.program, None);
        assert_eq!((run.cpus, run.mem), (4, 128));
        assert_eq!(run.timeout, None);
    }

    #[test]
    fn gdb_takes_what_run_takes() {
        let line = ["jostle", "gdb", "hello", "--batch", "f", "--mem", "64", "a"];
        match Cli::try_parse_from(line).expect("valid").command {
            Command::Gdb(gdb) => {
                assert_eq!((gdb.run.cpus, gdb.run.mem), (1, 64));
                assert_eq!(gdb.run.program, Some("hello".into()));
                assert_eq!(strings(&gdb.run.args), ["a"]);
                assert_eq!(gdb.batch, Some("f".into()));
            }
            other => panic!("expected `gdb`, got {other:?}"),
        }
    }

    #[test]
    fn options_may_stand_anywhere() {
        let run = run(&[
            "--icount", "hello", "a", "--cpus", "2", "b", "--", "-x", "--cpus",
        ])
        .expect("valid");
        assert_eq!(run.program, Some("hello".into()));
        assert_eq!(strings(&run.args), ["a", "b", "-x", "--cpus"]);
        assert_eq!(run.cpus, 2);
        assert!(run.icount);
    }

    #[test]
    fn kernel_arguments_are_taken_as_they_are() {
        let run = run(&["hello", "--append", "-odd quantum=5"]).expect("valid");
        assert_eq!(run.append, "-odd quantum=5");
    }

    #[test]
    fn absurd_numbers_are_refused_in_one_line() {
        for words in [
            ["--cpus", "0"],
            ["--cpus", "33"],
            ["--cpus", "-1"],
            ["--cpus", "four"],
            ["--cpus", "99999999999999999999"],
            ["--mem", "7"],
            ["--mem", "4097"],
            ["--mem", ""],
            ["--timeout", "0"],
            ["--timeout", "-1"],
            ["--timeout", "nan"],
            ["--timeout", "inf"],
            ["--timeout", "1e9"],
            ["--personality", "lab7"],
            ["--with", "hello"],
            ["--with", "type=fs"],
            ["--with", "type=fs:"],
            ["--with", "type=disk:hello"],
            ["--with", ""],
            ["--unknown", "x"],
            ["--trace", ""],
        ] {
            let error = run(&words).expect_err("refused").to_string();
            let line = one_line(&error);
            assert!(!line.contains('\n') && line.len() > 10, "{words:?}: {line}");
            assert!(!line.contains("Usage"), "{words:?}: {line}");
        }
    }
}
