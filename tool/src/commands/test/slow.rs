//! Which cases hang, told from what the harnesses print.
//!
//! The hard thing is that a harness says nothing of a case that begins. But
//! when one has run for a minute it says so, and from then on it is watched.
//! Rust's harness does that on its own if it has two threads or more; the QEMU
//! cases' does because ours makes it (`tool/tests/conformance/case.rs`).

use std::collections::HashMap;
use std::time::Duration;

/// How many cases run at once: the variable that Rust's harness knows.
pub const THREADS: &str = "RUST_TEST_THREADS";
/// With one it would not tell which case is slow.
pub const LEAST_THREADS: usize = 2;

/// What a harness says of a case after its first minute.
const NOTICE: &str = " has been running for over 60 seconds";
/// How long such a case may take after that. Each boot in it has a limit of its
/// own, far less, so this is for what nobody foresaw.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// The slow cases that have not ended, and since when each is watched.
#[derive(Debug, Default)]
pub struct Slow(HashMap<String, Duration>);

impl Slow {
    /// Takes notice of a line that was read at this time.
    pub fn read(&mut self, line: &str, now: Duration) {
        // Two threads of a harness may write into one line.
        for part in line.split("test ").skip(1) {
            let part = part.trim_end();
            if let Some(name) = part.strip_suffix(NOTICE) {
                self.0.insert(name.to_owned(), now);
            } else if let Some((name, _)) = part.split_once(" ...") {
                self.0.remove(name.trim_end());
            }
        }
        // A harness's last line, or the next one's first: what has not been named
        // is not running either.
        if line.starts_with("test result: ") || line.starts_with("running ") {
            self.0.clear();
        }
    }

    /// A case that has had more than its time.
    pub fn overdue(&self, now: Duration) -> Option<&str> {
        let overdue = |&(_, &since): &(&String, &Duration)| now.saturating_sub(since) > LIMIT;
        self.0.iter().find(overdue).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1000);

    fn after(lines: &[&str]) -> Slow {
        let mut slow = Slow::default();
        for line in lines {
            slow.read(line, START);
        }
        slow
    }

    #[test]
    fn only_what_is_slow_has_a_limit() {
        let slow = after(&["running 3 tests\n", "   Compiling sim v0.1.0\n"]);
        assert_eq!(slow.overdue(START * 1000), None);
        let slow = after(&["test a::b has been running for over 60 seconds\n"]);
        assert_eq!(slow.overdue(START + LIMIT), None);
        let later = START + LIMIT + Duration::from_secs(1);
        assert_eq!(slow.overdue(later), Some("a::b"));
    }

    #[test]
    fn what_has_ended_has_none() {
        let notice = "test a::b has been running for over 60 seconds\n";
        let forever = START * 1000;
        for end in [
            "test a::b ... ok\n",
            "test a::b ... FAILED\n",
            // The QEMU cases' harness aligns its columns.
            "test a::b     ... ok\n",
            "test result: FAILED. 3 passed; 2 failed\n",
            "test a::b ... test c has been running for over 60 seconds\n",
        ] {
            let slow = after(&[notice, end]);
            assert_ne!(slow.overdue(forever), Some("a::b"), "{end}");
        }
        let slow = after(&[notice, "test a::bc ... ok\n", "test a ... ok\n"]);
        assert_eq!(slow.overdue(forever), Some("a::b"));
        let slow = after(&[
            notice,
            "test a::b ... test c has been running for over 60 seconds\n",
        ]);
        assert_eq!(slow.overdue(forever), Some("c"));
    }
}
