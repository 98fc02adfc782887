//! `jostle bench`: path lengths in instructions, beside those of other kernels, and
//! the speed of the simulated machine, beside QEMU's.
//!
//! Under instruction counting (`--icount`) the time-stamp counter counts executed
//! instructions, so the figures are exact and the same on every machine. They
//! are path lengths, not speed on hardware. The command fails when a path has
//! grown longer than that of JOS tuned by hand, which is the bar, or when the kernel's
//! lock is held too long. Nothing is judged by the clock (`--programs`, `--wall`).

pub mod account;
mod counted;
pub mod events;
pub mod holds;
mod programs;
pub mod report;
mod rows;
mod traced;
pub mod wall;

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;

use self::holds::Hold;
use self::report::Results;
use self::rows::{BOOTS, Measured};
use crate::cli::Bench;
use crate::external::Found;
use crate::host::Host;
use crate::report::result;
use crate::status::{self, usage};

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

/// Measures, prints the tables, and fails unless every path beats its bar and no hold of
/// the lock is too long.
pub fn bench(options: &Bench) -> anyhow::Result<u8> {
    if let Some(row) = &options.account {
        return account(options, row);
    }
    if options.page.is_some() && !(options.icount && options.programs) {
        return Err(usage(
            "--page needs --icount and --programs, or --account all",
        ));
    }
    for path in options.json.iter().chain(&options.page) {
        check_target(path)?;
    }
    let host = Host::find()?;
    let results = measure(&host, options)?;
    if let Some(path) = &options.json {
        write(path, report::json(&results))?;
    }
    if let Some(path) = &options.page {
        let emulator = host.qemu().and_then(Found::version).unwrap_or_default();
        write(path, report::page(&results, &emulator))?;
    }
    let beaten = results.measured.iter().all(Measured::beats_the_bar);
    Ok(if beaten && results.held.iter().all(Hold::is_short) {
        status::CLEAN
    } else {
        status::FAILURE
    })
}

/// Measures what is asked for, and prints each table as soon as there is one.
fn measure(host: &Host, options: &Bench) -> anyhow::Result<Results> {
    let mut results = Results::default();
    if options.icount {
        results.measured = count(host, options.verbose)?;
        result(report::table(&results.measured));
        results.held = holds::measure(host, options.verbose)?;
        result(holds::table(&results.held));
        results.dear = events::measure(host, options.verbose)?;
        result(events::table(&results.dear));
    }
    if options.programs {
        results.speeds = programs::measure(host)?;
        result(report::speeds(&results.speeds));
    }
    if options.wall {
        results.times = wall::measure(host, options.verbose)?;
        result(wall::table(&results.times));
    }
    if let Some(cpus) = options.cpus {
        results.scaled = wall::scale(host, cpus, options.verbose)?;
        result(wall::scaling_table(&results.scaled));
    }
    Ok(results)
}

fn write(path: &Path, text: String) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Where the instructions of a row go, or of the chapter's rows.
fn account(options: &Bench, row: &str) -> anyhow::Result<u8> {
    account::check(row)?;
    if options.page.is_some() && row != account::ALL {
        return Err(usage(format_args!(
            "the page has all: --account {}",
            account::ALL
        )));
    }
    if let Some(path) = &options.page {
        check_target(path)?;
    }
    let accounts = account::measure(&Host::find()?, row, options.verbose)?;
    accounts
        .iter()
        .for_each(|account| result(account::text(account)));
    if let Some(path) = &options.page {
        write(path, account::chapter::page(&accounts))?;
    }
    Ok(status::CLEAN)
}

/// Path lengths, by one boot after another.
fn count(host: &Host, verbose: bool) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for boot in BOOTS {
        let console = counted::console(host, boot.words, verbose)?;
        for row in boot.rows {
            let figures = counted::figures(&console, row.label)?;
            measured.push(Measured { row, figures });
        }
    }
    Ok(measured)
}
