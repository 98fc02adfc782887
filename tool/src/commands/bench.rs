//! `jostle bench`: path lengths in instructions, beside those of other kernels, and
//! the speed of the simulated machine, beside QEMU's.
//!
//! Under instruction counting (`--icount`) the time-stamp counter counts executed
//! instructions, so the figures are exact and the same on every machine. They
//! are path lengths, not speed on hardware. The command fails when a path has
//! grown longer than that of JOS tuned by hand: that is the bar. Nothing is judged by
//! the clock (`--programs`).

mod programs;
mod report;
mod rows;

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};

use self::rows::{BOOTS, Figures, Measured};
use crate::boot::capture::capture;
use crate::cli::{Bench, run_options};
use crate::external::Found;
use crate::host::Host;
use crate::qemu::verdict::Verdict;
use crate::report::{line, note, result};
use crate::status::{self, usage};

/// Far more than any of the runs takes, so that a hang has an end.
const LIMIT_SECONDS: &str = "120";

/// It takes minutes to have something to write, so it is tried before.
fn check_target(path: &Path) -> anyhow::Result<()> {
    let refuse =
        |error: std::io::Error| usage(format_args!("cannot write {}: {error}", path.display()));
    match std::fs::metadata(path) {
        // What is no file may wait for a reader; it is left alone until then.
        Ok(there) if !there.is_file() && !there.is_dir() => Ok(()),
        Ok(_) => {
            let opened = File::options().append(true).open(path);
            opened.map(drop).map_err(refuse)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            File::create_new(path).map_err(refuse)?;
            std::fs::remove_file(path).map_err(refuse)
        }
        Err(error) => Err(refuse(error)),
    }
}

/// Measures, prints the tables, and fails unless every path beats its bar.
pub fn bench(options: &Bench) -> anyhow::Result<u8> {
    for path in options.json.iter().chain(&options.page) {
        check_target(path)?;
    }
    let host = Host::find()?;
    let mut measured = Vec::new();
    if options.icount {
        measured = count(&host, options.verbose)?;
        result(report::table(&measured));
    }
    let mut speeds = Vec::new();
    if options.programs {
        speeds = programs::measure(&host)?;
        result(report::speeds(&speeds));
    }
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    if let Some(path) = &options.json {
        write(path, report::json(&measured, &speeds))?;
    }
    if let Some(path) = &options.page {
        let emulator = host.qemu().and_then(Found::version).unwrap_or_default();
        write(path, report::page(&measured, &speeds, &emulator))?;
    }
    let beaten = measured.iter().all(Measured::beats_the_bar);
    Ok(if beaten {
        status::CLEAN
    } else {
        status::FAILURE
    })
}

/// Path lengths, by one boot after another.
fn count(host: &Host, verbose: bool) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for boot in BOOTS {
        let words = [
            boot.words,
            &["--icount", "--cpus", "1", "--mem", "128"],
            &["--timeout", LIMIT_SECONDS],
        ]
        .concat();
        note(format_args!("measuring: {}", boot.words.join(" ")));
        let captured = capture(host, &run_options(words)?)?;
        if verbose {
            line(&captured.command);
        }
        let console = String::from_utf8_lossy(&captured.console);
        if captured.verdict != Verdict::Clean {
            bail!(
                "the measurement did not end well ({:?}); its console ends with:\n{}",
                captured.verdict,
                report::last_lines(&console, 15)
            );
        }
        for row in boot.rows {
            let figures = Figures::find(&console, row.label).with_context(|| {
                format!(
                    "no figures for {:?}; the console ends with:\n{}",
                    row.label,
                    report::last_lines(&console, 15)
                )
            })?;
            measured.push(Measured { row, figures });
        }
    }
    Ok(measured)
}
