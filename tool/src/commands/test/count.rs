//! Adds up what the test harnesses report.

use std::fmt;
use std::ops::AddAssign;

use crate::report::result;
use crate::status;

/// Outcomes so far. Its display is the last line of `jostle test`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
}

impl Tally {
    /// Counts one outcome.
    pub fn add(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// Counts what a harness's summary line says; other lines say nothing.
    pub fn read(&mut self, line: &str) {
        let Some(summary) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in summary.split(['.', ';']) {
            match part.split_whitespace().collect::<Vec<_>>()[..] {
                [number, "passed"] => self.passed += number.parse().unwrap_or(0),
                [number, "failed"] => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }

    /// Nothing failed, and there was something that could.
    pub fn is_good(self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// Prints the last line; returns the status that goes with it.
    pub fn sum(self) -> u8 {
        result(format_args!("{self}\n"));
        match self.is_good() {
            true => status::CLEAN,
            false => status::FAILURE,
        }
    }

    /// Nothing was run.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_added_up() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests\n",
            "test a ... ok\n",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.50s\n",
        ] {
            tally.read(line);
        }
        assert_eq!(tally.to_string(), "15 passed, 2 failed");
        assert!(!tally.is_good());
    }

    #[test]
    fn nothing_at_all_is_not_good() {
        assert!(!Tally::default().is_good());
        let mut tally = Tally::default();
        tally.add(true);
        assert!(tally.is_good());
        tally.add(false);
        assert!(!tally.is_good());
    }
}
