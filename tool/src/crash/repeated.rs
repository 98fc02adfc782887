//! The commands that an explanation shows: each one can be typed as it stands.
//!
//! The hard thing is what cannot be had. A run on the simulated machine with a seed of its
//! own is none of QEMU's, a disk cannot be explored; then there is one line less.

use crate::boot::quoted_argument;
use crate::called;
use crate::cli::{Repeat, Run};
use crate::quoting::shell_word;

/// What stands behind a line that goes back and forth, as a remark to a shell.
const BACKWARDS: &str = "   # backwards too: reverse-stepi";

/// Where a death happens on the simulated machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is the first of the run.
    First,
    /// At this position, which is behind others.
    At(u64),
    /// It was not found there.
    Unknown,
}

/// The commands that stand where a program died.
pub fn look(run: &Run, place: Place) -> Vec<String> {
    let debug = |at: &str| {
        let line = run.line(Repeat::Debug, at)?;
        Some(line + BACKWARDS)
    };
    let gdb = || run.line(Repeat::Gdb, "--at crash");
    let lines = match place {
        Place::First => [debug("--at crash"), gdb()],
        Place::At(position) => [debug(&format!("--at {position}")), None],
        Place::Unknown => [gdb(), None],
    };
    lines.into_iter().flatten().collect()
}

/// The command that runs, and explains, what was entered at the prompt.
pub fn more(run: &Run, entered: &str) -> Option<String> {
    let mut words = entered_words(entered)?.into_iter();
    let run = Run {
        program: Some(words.next()?.into()),
        args: words.map(|word| quoted_argument(word.into())).collect(),
        ..run.clone()
    };
    run.line(Repeat::Run, "")
}

/// A program and its arguments, if a line at the prompt has them. Keys that edit it are on
/// the console too; what they made of it is not known.
pub fn entered_words(entered: &str) -> Option<Vec<String>> {
    let is_whole = !entered.contains(char::is_control);
    match shell::command::parse(entered).ok().filter(|_| is_whole)?? {
        shell::command::Command::Run { words, .. } => Some(words),
        _ => None,
    }
}

/// The command that makes a run again in which the kernel panicked: a replay, if it was
/// recorded, else one that keeps what a replay needs.
pub fn again(run: &Run) -> Option<String> {
    match &run.record {
        Some(record) => Some(format!(
            "{} replay {}",
            called::here(),
            shell_word(record.as_os_str())
        )),
        None => {
            let line = run.line(Repeat::Run, "--record run.log --trace run.trace")?;
            let replay = format!("   # then: {} replay run.log", called::here());
            Some(line + &replay)
        }
    }
}

/// The command that searches the schedules for an end at which somebody waits for ever.
pub fn explore(run: &Run) -> Option<String> {
    run.line(Repeat::Explore, "--hang")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{self, At, Command, run_options};

    /// What a line asks for; a shell takes the remark away.
    fn asked(line: &str) -> Command {
        let script = format!("printf '%s\\0' {line}");
        let shell = std::process::Command::new("sh")
            .args(["-c", &script])
            .output();
        let words = String::from_utf8(shell.expect("sh starts").stdout).expect("text");
        let words = words.strip_suffix('\0').expect("words").split('\0');
        let words: Vec<_> = words.map(Into::into).collect();
        let cli = cli::read(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
        cli.command
    }

    fn run(words: &[&str]) -> Run {
        run_options(words.iter().copied()).expect("valid")
    }

    const WORDS: [&str; 5] = ["--cpus=2", "--append=-odd", "--", "crashes", "-a b"];

    #[test]
    fn a_death_is_where_the_lines_lead() {
        let run = run(&WORDS);
        for (place, debug, gdb) in [
            (Place::First, Some(At::Crash), true),
            (Place::At(12), Some(At::Position(12)), false),
            (Place::Unknown, None, true),
        ] {
            let mut lines = look(&run, place).into_iter();
            if let Some(at) = debug {
                let line = lines.next().expect("a line");
                assert!(line.ends_with("# backwards too: reverse-stepi"), "{line}");
                let Command::Debug(debug) = asked(&line) else {
                    panic!("{line}");
                };
                assert_eq!(
                    (debug.at, debug.run.cpus, debug.run.mem),
                    (Some(at), 2, 128)
                );
                assert_eq!(debug.run.args, run.args);
            }
            if gdb {
                let line = lines.next().expect("a line");
                let Command::Gdb(gdb) = asked(&line) else {
                    panic!("{line}");
                };
                assert_eq!((gdb.at, gdb.run.cpus), (Some(At::Crash), 2));
                assert_eq!(gdb.run.append, "-odd");
            }
            assert_eq!(lines.next(), None);
        }
    }

    #[test]
    fn qemu_has_no_seed() {
        let run = run(&["crashes", "--machine=sim", "--seed=3"]);
        assert_eq!(look(&run, Place::First).len(), 1);
        assert!(look(&run, Place::Unknown).is_empty());
    }

    #[test]
    fn what_was_entered_is_run() {
        let prompt = run(&["--machine=sim", "--seed=5", "--mem=32"]);
        let line = more(&prompt, r#"crashes "a b" + '' ++ &"#).expect("a program");
        let Command::Run(again) = asked(&line) else {
            panic!("{line}");
        };
        assert_eq!((again.seed, again.mem), (Some(5), 32));
        assert_eq!(again.program, Some("crashes".into()));
        // As `run` has several programs, `+` is written otherwise.
        assert_eq!(again.args, ["a b", "++", "", "+++"]);
        for entered in ["", "ps", "a & b", "crashes 'x", "crashez\u{8} \u{8}s"] {
            assert_eq!(more(&prompt, entered), None, "{entered}");
        }
    }

    #[test]
    fn a_panic_can_be_had_again() {
        let line = again(&run(&WORDS)).expect("a line");
        let Command::Run(kept) = asked(&line) else {
            panic!("{line}");
        };
        assert_eq!(
            (kept.record, kept.trace),
            (Some("run.log".into()), Some("run.trace".into()))
        );
        assert_eq!((kept.cpus, kept.args), (2, vec!["-a b".into()]));
        let recorded = run(&["crashes", "--record", "my log"]);
        let line = again(&recorded).expect("a line");
        let Command::Replay { file } = asked(&line) else {
            panic!("{line}");
        };
        assert_eq!(file, std::path::Path::new("my log"));
    }

    #[test]
    fn a_hang_is_searched_for() {
        let line = explore(&run(&WORDS)).expect("a line");
        let Command::Explore(search) = asked(&line) else {
            panic!("{line}");
        };
        assert!(search.hang);
        assert_eq!((search.run.cpus, search.run.mem), (2, 128));
        assert_eq!(explore(&run(&["crashes", "--disk", "d"])), None);
    }
}
