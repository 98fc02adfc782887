//! One boot that measures, and what it printed.
//!
//! The hard thing is a guest that does not end: a time limit ends it, and the end of its
//! console says more than a figure that is missing.

use anyhow::{Context as _, bail};

use super::rows::Figures;
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
    console_of(host, &[words, &["--icount"]].concat(), 1, verbose, change)
}

/// The same by the clock, on so many CPUs.
pub(super) fn timed_console(
    host: &Host,
    words: &[&str],
    cpus: u32,
    verbose: bool,
) -> anyhow::Result<String> {
    console_of(host, words, cpus, verbose, |_| ())
}

fn console_of(
    host: &Host,
    words: &[&str],
    cpus: u32,
    verbose: bool,
    change: impl FnOnce(&mut Machine),
) -> anyhow::Result<String> {
    let cpus = cpus.to_string();
    let machine = ["--cpus", &cpus, "--mem", "128", "--machine", "qemu"];
    let all = [words, &machine, &["--timeout", LIMIT_SECONDS]].concat();
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

/// The figures of a row, or the end of a console that has none.
pub(super) fn figures(console: &str, label: &str) -> anyhow::Result<Figures> {
    Figures::find(console, label).with_context(|| {
        let end = last_lines(console, 15);
        format!("no figures for {label:?}; the console ends with:\n{end}")
    })
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
