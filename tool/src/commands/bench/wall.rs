//! The kernel's paths by the clock, and what more CPUs add.
//!
//! In QEMU as it runs programs, without counting: the ticks are of this machine's
//! time-stamp counter, at this moment, with whatever else it does. The hard thing is what
//! such a figure may be used for: beside another of the same run, and never for a verdict.
//! Of twenty batches the quickest is the one that was disturbed least.

use std::fmt::Write as _;

use super::counted;
use super::rows::{BOOTS, Figures};
use crate::host::Host;

/// A row's name and its times.
pub struct Times {
    /// As in the table of instructions.
    pub name: &'static str,
    /// In ticks an operation.
    pub figures: Figures,
}

/// Times all rows, on one CPU.
pub fn measure(host: &Host, verbose: bool) -> anyhow::Result<Vec<Times>> {
    let mut times = Vec::new();
    for boot in BOOTS {
        let console = counted::timed_console(host, boot.words, 1, verbose)?;
        for row in boot.rows {
            let figures = counted::figures(&console, row.label)?;
            let name = row.name;
            times.push(Times { name, figures });
        }
    }
    Ok(times)
}

/// For people.
pub fn table(times: &[Times]) -> String {
    let heading = format!(
        "{:<34}{:>13}{:>13}\n",
        "ticks per operation", "min", "median"
    );
    let rows = times.iter().map(|Times { name, figures }| {
        format!("{name:<34}{:>13}{:>13}\n", figures.min, figures.median)
    });
    std::iter::once(heading).chain(rows).collect()
}

/// A boot of the program that scales, and its rows: what the table calls each, and what the
/// guest does.
struct Boot {
    append: &'static str,
    rows: &'static [(&'static str, &'static str)],
}

const SCALED: &[Boot] = &[
    Boot {
        append: "lifecycle=off",
        rows: &[
            ("null, before the lock", "null"),
            ("page", "page"),
            ("primes, a sieve each", "primes"),
        ],
    },
    Boot {
        append: "lifecycle=off prelock=off",
        rows: &[("null, through the lock", "null")],
    },
];

/// The same work for each worker, by one on one CPU and by several on as many.
pub struct Scaled {
    /// What each does.
    pub name: &'static str,
    /// How many, and CPUs.
    pub workers: u32,
    /// In ticks: one alone, and all of several.
    pub ticks: [u64; 2],
}

impl Scaled {
    /// How much more is done in the same time.
    pub fn throughput(&self) -> f64 {
        let [one, all] = self.ticks;
        // Only for display; both are far below 2^53.
        f64::from(self.workers) * one as f64 / all.max(1) as f64
    }
}

/// Times each row by one worker and by `workers`.
pub fn scale(host: &Host, workers: u32, verbose: bool) -> anyhow::Result<Vec<Scaled>> {
    let mut scaled = Vec::new();
    for boot in SCALED {
        let consoles = [
            scale_once(host, boot, 1, verbose)?,
            scale_once(host, boot, workers, verbose)?,
        ];
        for &(name, row) in boot.rows {
            let label = format!("bench {row}");
            let [one, all] = consoles
                .each_ref()
                .map(|console| counted::figures(console, &label));
            scaled.push(Scaled {
                name,
                workers,
                ticks: [one?.median, all?.median],
            });
        }
    }
    Ok(scaled)
}

fn scale_once(host: &Host, boot: &Boot, workers: u32, verbose: bool) -> anyhow::Result<String> {
    let count = workers.to_string();
    let rows = boot.rows.iter().map(|&(_, row)| row);
    let words: Vec<&str> = ["benchscale", &count]
        .into_iter()
        .chain(rows)
        .chain(["--append", boot.append])
        .collect();
    counted::timed_console(host, &words, workers, verbose)
}

/// For people.
pub fn scaling_table(scaled: &[Scaled]) -> String {
    let workers = scaled.first().map_or(1, |row| row.workers);
    let mut table = format!(
        "{:<34}{:>13}{:>13}{:>13}\n",
        "ticks for the same work each",
        "1 on 1 CPU",
        format!("{workers} on {workers}"),
        "throughput"
    );
    for row in scaled {
        let [one, all] = row.ticks;
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "{:<34}{one:>13}{all:>13}{:>12.2}x",
            row.name,
            row.throughput()
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_work_in_the_same_time_is_twice_as_much() {
        let scaled = Scaled {
            name: "page",
            workers: 2,
            ticks: [1000, 1000],
        };
        assert_eq!(scaled.throughput(), 2.0);
        let table = scaling_table(&[scaled]);
        assert!(
            table.contains("2 on 2") && table.ends_with("2.00x\n"),
            "{table}"
        );
    }
}
