//! A run as a line that somebody types to have it again: by `run`, by a debugger, by the
//! search of schedules.
//!
//! The hard thing is that these commands take other options and have other defaults. What
//! is the default there is not said, what would change nothing there neither; and a
//! command that cannot have the same run, because it lacks an option, is not offered.

use std::ffi::OsString;

use clap::Parser;

use super::words::Given;
use super::{Cli, Command, Run};
use crate::called;
use crate::quoting::shell_word;

/// A command that makes the same run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// As it was.
    Run,
    /// In QEMU, under gdb.
    Gdb,
    /// On the simulated machine, under a debugger.
    Debug,
    /// On the simulated machine, under many schedules.
    Explore,
}

/// What becomes of an option in another command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    /// It would change nothing there.
    Dropped,
    /// It would be another run without it.
    Missed,
}

impl Run {
    /// The line for a shell that makes the same run by another command, with something
    /// `more` said; none, if that command cannot have it.
    pub fn line(&self, command: Repeat, more: &str) -> Option<String> {
        let (options, programs) = self.clone().taken_apart();
        if command == Repeat::Explore && programs.is_empty() {
            return None;
        }
        let usual = command.defaults();
        let mut said: Vec<String> = Vec::new();
        for option in options.iter().filter(|option| !usual.contains(option)) {
            match command.fate(option.name) {
                Fate::Kept => said.extend(option.shown()),
                Fate::Dropped => {}
                Fate::Missed => return None,
            }
        }
        said.extend((!more.is_empty()).then(|| more.to_owned()));
        let begins_with_hyphen = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
        let has_hyphens = programs.iter().any(begins_with_hyphen);
        let mut named: Vec<String> = programs.iter().map(|word| shell_word(word)).collect();
        let words = if has_hyphens {
            said.push("--".into());
            [said, named].concat()
        } else {
            named.extend(said);
            named
        };
        let words = [
            vec![format!("{} {}", called::here(), command.name())],
            words,
        ]
        .concat();
        // Such a line cannot be shown.
        Some(words.join(" ")).filter(|line| !line.contains(char::is_control))
    }
}

impl Repeat {
    const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Gdb => "gdb",
            Self::Debug => "debug",
            Self::Explore => "explore",
        }
    }

    /// The options that need not be said.
    fn defaults(self) -> Vec<Given> {
        let run = match Cli::try_parse_from(["jostle", self.name()]).map(|cli| cli.command) {
            Ok(Command::Run(run)) => run,
            Ok(Command::Gdb(gdb)) => gdb.run,
            Ok(Command::Debug(debug)) => debug.run,
            Ok(Command::Explore(explore)) => explore.run,
            _ => return Vec::new(),
        };
        run.taken_apart().0
    }

    /// What becomes there of an option of this name.
    fn fate(self, option: &str) -> Fate {
        match (self, option) {
            (Self::Run, _) => Fate::Kept,
            (_, "machine") => Fate::Dropped,
            (Self::Gdb, "seed" | "pace" | "store-buffers" | "audit") => Fate::Missed,
            (Self::Gdb, _) => Fate::Kept,
            // What QEMU alone has. It counts on its own, and enters its monitor at the end.
            (_, "nic") => Fate::Missed,
            (_, "icount" | "monitor") => Fate::Dropped,
            (Self::Debug, "audit") => Fate::Dropped,
            // Schedules take the place of what decides a run otherwise.
            (Self::Explore, "seed" | "pace") => Fate::Dropped,
            (Self::Explore, "disk") => Fate::Missed,
            (Self::Debug | Self::Explore, _) => Fate::Kept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::run_options;

    fn shown(run: &Run) -> String {
        format!("{run:?}")
    }

    /// The words of a line, as a shell has them.
    fn typed(line: &str) -> Vec<OsString> {
        use std::os::unix::ffi::OsStringExt;
        let script = format!("printf '%s\\0' {line}");
        let shell = std::process::Command::new("sh")
            .args(["-c", &script])
            .output();
        let words = shell.expect("sh starts").stdout;
        let words = words
            .strip_suffix(b"\0")
            .expect("words")
            .split(|&byte| byte == 0);
        words
            .map(|word| OsString::from_vec(word.to_vec()))
            .collect()
    }

    /// What a shown line asks for.
    fn asked(line: &str) -> Command {
        let mut words = typed(line);
        assert_eq!(words[0], "./jostle", "{line}");
        words[0] = "jostle".into();
        let cli = crate::cli::read(&words);
        cli.unwrap_or_else(|error| panic!("{line}: {error}"))
            .command
    }

    const COMMANDS: [Repeat; 4] = [Repeat::Run, Repeat::Gdb, Repeat::Debug, Repeat::Explore];

    /// A run without what makes no other run, and without what `command` need not know.
    fn bare(run: &Run, command: Repeat) -> Run {
        let mut run = Run {
            gdb_port: None,
            stopped: false,
            timeout: None,
            record: None,
            trace: None,
            explain: crate::cli::Explain::On,
            verbose: false,
            ..run.clone()
        };
        if command != Repeat::Run {
            run.machine = None;
        }
        if matches!(command, Repeat::Debug | Repeat::Explore) {
            (run.icount, run.monitor) = (false, false);
        }
        match command {
            Repeat::Debug => run.audit = false,
            Repeat::Explore => (run.seed, run.pace) = (None, None),
            Repeat::Run | Repeat::Gdb => {}
        }
        run
    }

    /// Every kind of option, alone and with others, and which commands cannot have it.
    #[test]
    fn shown_lines_can_be_typed_and_mean_the_same() {
        use Repeat::{Debug, Explore, Gdb};
        let cases: [(&[&str], &[Repeat]); 27] = [
            (&["hello"], &[]),
            (
                &["hello", "a b", "it's", "$HOME", "+", "yield", "++", ""],
                &[],
            ),
            (&["--", "hello", "-x", "--cpus", "7"], &[]),
            (&["--append", "-odd quantum=5", "--", "./a b", "-"], &[]),
            (&["hello", "--append", "quantum=5"], &[]),
            (&["hello", "--cpus", "1"], &[]),
            (&["hello", "--cpus", "2", "--mem", "16"], &[]),
            (&["hello", "--cpus", "3", "--mem", "64"], &[]),
            (&["hello", "--personality", "lab5"], &[]),
            (
                &[
                    "hello",
                    "--with",
                    "type=fs:./my fs",
                    "--with",
                    "type=ns:yield",
                ],
                &[],
            ),
            (&["hello", "--disk", "a disk"], &[Explore]),
            (&["hello", "--disk=-x", "--snapshot"], &[Explore]),
            (
                &["hello", "--nic", "e1000,tcp:8080:80,udp:7007:7"],
                &[Debug, Explore],
            ),
            (&["hello", "--nic", "pcnet"], &[Debug, Explore]),
            (&["hello", "--machine", "sim"], &[]),
            (&["hello", "--machine", "qemu"], &[]),
            (&["hello", "--machine", "sim", "--seed", "0"], &[Gdb]),
            (
                &[
                    "hello",
                    "--machine",
                    "sim",
                    "--seed",
                    "18446744073709551615",
                ],
                &[Gdb],
            ),
            (&["hello", "--machine", "sim", "--pace", "hostile"], &[Gdb]),
            (&["hello", "--machine", "sim", "--store-buffers"], &[Gdb]),
            (&["hello", "--machine", "sim", "--audit"], &[Gdb]),
            (&["hello", "--icount"], &[]),
            (&["hello", "--monitor"], &[]),
            (&["hello", "--gdb-port", "1234", "--stopped"], &[]),
            (
                &["hello", "--timeout", "5", "--record", "r", "--trace", "t"],
                &[],
            ),
            (&["hello", "--explain", "on", "--verbose"], &[]),
            (
                &[
                    "--machine=sim",
                    "--seed=7",
                    "--pace=fair",
                    "--cpus=8",
                    "--",
                    "a",
                    "-y",
                ],
                &[Gdb],
            ),
        ];
        for (words, without) in cases {
            let run = run_options(words.iter().copied()).expect("valid");
            for command in COMMANDS {
                let line = run.line(command, "");
                assert_eq!(
                    line.is_none(),
                    without.contains(&command),
                    "{words:?} {command:?}"
                );
                let Some(line) = line else { continue };
                let again = match (asked(&line), command) {
                    (Command::Run(run), Repeat::Run) => run,
                    (Command::Gdb(gdb), Gdb) => gdb.run,
                    (Command::Debug(debug), Debug) => debug.run,
                    (Command::Explore(explore), Explore) => explore.run,
                    (other, _) => panic!("{line}: {other:?}"),
                };
                let wanted = shown(&bare(&run, command));
                assert_eq!(shown(&bare(&again, command)), wanted, "{line}");
            }
        }
    }

    #[test]
    fn no_line_is_longer_than_it_need_be() {
        let line = |words: &[&str], command: Repeat| {
            let run = run_options(words.iter().copied()).expect("valid");
            run.line(command, "--at crash")
        };
        let words = ["hello", "x", "--cpus", "4", "--mem", "64"];
        let debug = Some("./jostle debug hello x --at crash".into());
        assert_eq!(line(&words, Repeat::Debug), debug);
        let gdb = Some("./jostle gdb hello x --cpus 4 --mem 64 --at crash".into());
        assert_eq!(line(&words, Repeat::Gdb), gdb);
        let hyphen = Some("./jostle run --mem 64 --at crash -- hello -x".into());
        assert_eq!(
            line(&["--mem=64", "--", "hello", "-x"], Repeat::Run),
            hyphen
        );
        // What cannot be shown, and what explores nothing.
        assert_eq!(line(&["hello", "a\nb"], Repeat::Run), None);
        assert_eq!(line(&[], Repeat::Explore), None);
    }
}
