//! What counts as failing.
//!
//! The hard thing is a run that just goes on. Under a fair plan every program comes
//! forward, so one that needs many times as long as usual is taken to be stuck.

use std::fmt;

/// How a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It printed this line.
    Line(String),
    /// The run ended, and environments were left that can never run again, or nobody
    /// moves any more.
    Asleep,
    /// It went on for that many positions.
    NoProgress(u64),
    /// The kernel's state is broken: what the audit says.
    Broken(String),
    /// It ended without a line that has this in it, after one that has what came before.
    Missing {
        /// What no line has.
        text: String,
        /// What had to come before, and did.
        after: Option<String>,
    },
}

impl Failure {
    /// Whether another failure is of the same kind: numbers in lines may differ.
    pub fn is_like(&self, other: &Failure) -> bool {
        match (self, other) {
            (Failure::Line(a), Failure::Line(b)) => shape(a) == shape(b),
            (
                Failure::Asleep | Failure::NoProgress(_),
                Failure::Asleep | Failure::NoProgress(_),
            )
            | (Failure::Broken(_), Failure::Broken(_)) => true,
            (Failure::Missing { .. }, Failure::Missing { .. }) => self == other,
            _ => false,
        }
    }
}

/// A line with one sign for each number: decimal, hexadecimal with 0x, or the eight
/// digits in which the kernel prints ids and addresses.
fn shape(line: &str) -> String {
    let is_number = |word: &str| match word.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None if word.len() == 8 => word.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()),
    };
    let parts = line.split_inclusive(|c: char| !c.is_alphanumeric());
    let shapes = parts.map(|part| {
        let word = part.trim_end_matches(|c: char| !c.is_alphanumeric());
        match is_number(word) {
            true => ["#", &part[word.len()..]].concat(),
            false => part.to_owned(),
        }
    });
    shapes.collect()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Line(line) => write!(f, "it prints: {line}"),
            Failure::Asleep => f.write_str("somebody sleeps for ever"),
            Failure::NoProgress(positions) => {
                write!(f, "it has not ended after {positions} positions")
            }
            Failure::Broken(what) => write!(f, "the kernel's state is broken: {what}"),
            Failure::Missing { text, after } => {
                write!(f, "it does not print {text:?}")?;
                after
                    .iter()
                    .try_for_each(|before| write!(f, " after {before:?}"))
            }
        }
    }
}

/// What to look for.
#[derive(Clone, Copy)]
pub struct Criteria<'a> {
    /// Whether a line of the console is a failure.
    pub line: &'a dyn Fn(&str) -> bool,
    /// What lines of the console must have in them, one line after the other.
    pub prints: &'a [String],
    /// Whether it is one that somebody sleeps for ever or the run does not end.
    pub hang: bool,
    /// Whether all is checked after every step of the kernel, and not only the kernel's
    /// state at the end.
    pub audit: bool,
    /// How many positions a run may take. One that takes more is given up, or has
    /// failed, as `hang` says.
    pub most: u64,
}

impl Criteria<'_> {
    /// What is not printed of what should be, after so many of these lines.
    pub fn missing(&self, printed: usize) -> Option<Failure> {
        let text = self.prints.get(printed)?.clone();
        let before = printed.checked_sub(1);
        let after = before.map(|before| self.prints[before].clone());
        Some(Failure::Missing { text, after })
    }
}

/// Whether the kernel or the library reports on this line that a program was killed.
pub fn is_death(line: &str) -> bool {
    let report = line.split_once("] ").map_or("", |(_, report)| report);
    line.starts_with('[')
        && ["user fault", "user_mem_check", "user panic"]
            .iter()
            .any(|start| report.starts_with(start))
        || line.starts_with("TRAP frame at")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_are_known_by_their_lines() {
        assert!(is_death("[00001000] user fault va 00000000 ip 0080003b"));
        assert!(is_death("TRAP frame at 0xf0004000 from CPU 0"));
        assert!(is_death("[00001001] user panic in x at a.rs:3: no"));
        assert!(!is_death("[00001000] exiting gracefully"));
        assert!(!is_death("a user fault is nothing to fear"));
    }

    #[test]
    fn numbers_do_not_make_another_failure() {
        let line = |text: &str| Failure::Line(text.to_owned());
        assert!(line("BUG: 3 of 4").is_like(&line("BUG: 2 of 4")));
        assert!(
            line("[0000100a] va 0xa ip 00800020").is_like(&line("[00001001] va 0xc ip 00800fff"))
        );
        assert!(!line("BUG: 3 of 4").is_like(&line("other: 3 of 4")));
        // Letters that could be digits are letters.
        assert!(!line("BUG: bad").is_like(&line("BUG: dead")));
        assert!(!line("BUG: 3 of 4").is_like(&Failure::Asleep));
        assert!(Failure::Asleep.is_like(&Failure::NoProgress(5)));
    }
}
