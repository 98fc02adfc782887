//! One boot under instruction counting, and what it printed.
//!
//! The hard thing is a guest that does not end: a time limit ends it, and the end of its
//! console says more than a figure that is missing.

use anyhow::bail;

use crate::boot::capture::capture_on;
use crate::cli::run_options;
use crate::host::Host;
use crate::qemu::machine::Machine;
use crate::qemu::verdict::Verdict;
use crate::report::{line, note};

/// Far more than any of the runs takes, so that a hang has an end.
const LIMIT_SECONDS: &str = "120";

/// Boots one program under instruction counting, on one CPU, and returns its console.
pub(super) fn console(host: &Host, words: &[&str], verbose: bool) -> anyhow::Result<String> {
    console_on(host, words, verbose, |_| ())
}

/// The same on a machine to which something is done first.
pub(super) fn console_on(
    host: &Host,
    words: &[&str],
    verbose: bool,
    change: impl FnOnce(&mut Machine),
) -> anyhow::Result<String> {
    let all = [
        words,
        &["--icount", "--cpus", "1", "--mem", "128"],
        &["--timeout", LIMIT_SECONDS],
    ]
    .concat();
    note(format_args!("measuring: {}", words.join(" ")));
    let captured = capture_on(host, &run_options(all)?, None, Vec::new(), change)?;
    if verbose {
        line(&captured.command);
    }
    let console = String::from_utf8_lossy(&captured.console).into_owned();
    if captured.verdict != Verdict::Clean {
        bail!(
            "the measurement did not end well ({:?}); its console ends with:\n{}",
            captured.verdict,
            last_lines(&console, 15)
        );
    }
    Ok(console)
}

/// The end of a console.
pub(super) fn last_lines(console: &str, count: usize) -> String {
    let lines: Vec<&str> = console.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_console() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines("", 2), "");
    }
}
