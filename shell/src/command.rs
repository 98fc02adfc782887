//! Words become a command.
//!
//! The hard thing is a wrong line: one line of answer must say what is wrong.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::words::{self, Token, UnclosedQuote};

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// List commands and programs.
    Help,
    /// List environments.
    Ps,
    /// List jobs.
    Jobs,
    /// Wait until no job is left.
    Wait,
    /// End a job.
    Kill(i32),
    /// Show a station of the tour, counted from 1, or the next one.
    Tour(Option<usize>),
    /// End everything.
    Exit,
    /// Run a program.
    Run {
        /// Its name, then its arguments.
        words: Vec<String>,
        /// Whether to go on without waiting for its end.
        background: bool,
    },
}

/// The commands that are no programs: how to write each, and what it does.
pub const BUILT_IN: [(&str, &str); 8] = [
    ("help", "lists what can be entered"),
    (
        "tour [N]",
        "shows the system's ideas, a program at a time; N goes to that one",
    ),
    ("ps", "lists environments: id, parent, status, CPU, runs"),
    ("jobs", "lists what runs in the background"),
    ("wait", "waits until that has ended; Ctrl-C waits no longer"),
    ("kill ID", "ends a job"),
    ("exit", "ends everything; also Ctrl-D"),
    (
        "NAME [ARG]... [&]",
        "runs a program; & goes on without waiting for its end",
    ),
];

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A quote is not closed.
    Quote(char),
    /// `&` not at the end, or with nothing to run.
    Ampersand,
    /// A command that takes no arguments was given some.
    Arguments(String),
    /// `&` behind a command that has nothing to do in the background.
    Background(String),
    /// `kill` without an id.
    NoId,
    /// `kill` with something that is no id.
    Id(String),
    /// `tour` with something that is no number, or with more.
    Station,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Quote(quote) => write!(f, "a quote is not closed: {quote}"),
            Wrong::Ampersand => write!(f, "& stands at the end, after a program"),
            Wrong::Arguments(name) => write!(f, "{name} takes no arguments"),
            Wrong::Background(name) => write!(f, "{name} cannot run in the background"),
            Wrong::NoId => write!(f, "kill needs one id (jobs lists them)"),
            Wrong::Id(word) => write!(f, "not an id: {word} (jobs lists them)"),
            Wrong::Station => write!(f, "tour takes the number of a station, or nothing"),
        }
    }
}

impl From<UnclosedQuote> for Wrong {
    fn from(UnclosedQuote(quote): UnclosedQuote) -> Wrong {
        Wrong::Quote(quote)
    }
}

/// Understands a line; `None` if there is nothing on it.
///
/// # Errors
/// What is wrong with it.
pub fn parse(line: &str) -> Result<Option<Command>, Wrong> {
    let mut tokens = words::split(line)?;
    let background = tokens.last() == Some(&Token::Ampersand);
    if background {
        tokens.pop();
    }
    let words = tokens.into_iter().map(|token| match token {
        Token::Word(word) => Ok(word),
        Token::Ampersand => Err(Wrong::Ampersand),
    });
    let words: Vec<String> = words.collect::<Result<_, _>>()?;
    let Some((name, arguments)) = words.split_first() else {
        return if background {
            Err(Wrong::Ampersand)
        } else {
            Ok(None)
        };
    };
    let command = match name.as_str() {
        "help" => Command::Help,
        "ps" => Command::Ps,
        "jobs" => Command::Jobs,
        "wait" => Command::Wait,
        "exit" => Command::Exit,
        "tour" => Command::Tour(station(arguments)?),
        "kill" => Command::Kill(id(arguments)?),
        _ => return Ok(Some(Command::Run { words, background })),
    };
    if background {
        return Err(Wrong::Background(name.clone()));
    }
    let takes_any = matches!(command, Command::Kill(_) | Command::Tour(_));
    if !arguments.is_empty() && !takes_any {
        return Err(Wrong::Arguments(name.clone()));
    }
    Ok(Some(command))
}

/// The id behind `kill`, in hexadecimal as `ps` prints it.
fn id(arguments: &[String]) -> Result<i32, Wrong> {
    let [word] = arguments else {
        return Err(Wrong::NoId);
    };
    let digits = word.strip_prefix("0x").unwrap_or(word);
    match i32::from_str_radix(digits, 16) {
        Ok(id) if id > 0 => Ok(id),
        _ => Err(Wrong::Id(word.clone())),
    }
}

/// The number behind `tour`, if there is one.
fn station(arguments: &[String]) -> Result<Option<usize>, Wrong> {
    match arguments {
        [] => Ok(None),
        [word] => word.parse().map(Some).map_err(|_| Wrong::Station),
        _ => Err(Wrong::Station),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn run(words: &[&str], background: bool) -> Result<Option<Command>, Wrong> {
        let words = words.iter().map(|&word| word.into()).collect();
        Ok(Some(Command::Run { words, background }))
    }

    #[test]
    fn programs_are_run() {
        assert_eq!(parse("hello"), run(&["hello"], false));
        assert_eq!(parse("primes 100 &"), run(&["primes", "100"], true));
        assert_eq!(parse("primes&"), run(&["primes"], true));
        assert_eq!(parse("hello '&'"), run(&["hello", "&"], false));
        assert_eq!(parse("'ps' "), Ok(Some(Command::Ps)));
    }

    #[test]
    fn commands_are_understood() {
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("  "), Ok(None));
        assert_eq!(parse("help"), Ok(Some(Command::Help)));
        assert_eq!(parse("tour"), Ok(Some(Command::Tour(None))));
        assert_eq!(parse("tour 3"), Ok(Some(Command::Tour(Some(3)))));
        assert_eq!(parse("kill 1002"), Ok(Some(Command::Kill(0x1002))));
        assert_eq!(parse("kill 0x00001002"), Ok(Some(Command::Kill(0x1002))));
        for (name, _) in BUILT_IN {
            if let Some(name) = name.split(' ').next().filter(|name| *name != "NAME") {
                assert!(
                    !matches!(parse(name), Ok(Some(Command::Run { .. }))),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_a_line() {
        for (line, wrong) in [
            ("hello \"x", Wrong::Quote('"')),
            ("&", Wrong::Ampersand),
            ("a & b", Wrong::Ampersand),
            ("a & &", Wrong::Ampersand),
            ("ps 3", Wrong::Arguments("ps".into())),
            ("wait &", Wrong::Background("wait".into())),
            ("tour x", Wrong::Station),
            ("tour 1 2", Wrong::Station),
            ("tour -1", Wrong::Station),
            ("tour &", Wrong::Background("tour".into())),
            ("kill", Wrong::NoId),
            ("kill 1 2", Wrong::NoId),
            ("kill x", Wrong::Id("x".into())),
            ("kill 0", Wrong::Id("0".into())),
            ("kill -1", Wrong::Id("-1".into())),
            ("kill 80001000", Wrong::Id("80001000".into())),
        ] {
            assert_eq!(parse(line), Err(wrong.clone()), "{line}");
            assert!(!wrong.to_string().contains('\n'));
        }
    }
}
