//! The measurements as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::events::{self, Event, Events};
use super::holds::{self, Hold};
use super::programs::Speed;
use super::rows::{Aim, Measured};
use super::wall::{Scaled, Times};

/// All that was measured; what was not asked for has no rows.
#[derive(Default)]
pub struct Results {
    /// Path lengths.
    pub measured: Vec<Measured>,
    /// The longest holds of the lock.
    pub held: Vec<Hold>,
    /// What is dear.
    pub dear: Vec<Events>,
    /// Whole programs.
    pub speeds: Vec<Speed>,
    /// The paths by the clock.
    pub times: Vec<Times>,
    /// The same work by several.
    pub scaled: Vec<Scaled>,
}

/// The table, with the verdict for each row in its last column.
pub fn table(measured: &[Measured]) -> String {
    let mut table = format!(
        "{:<34}{:>9}{:>9}{:>9} |{:>11}{:>10}{:>10}{:>8}{:>6} |{:>9}  {}\n",
        "instructions per operation",
        "min",
        "median",
        "mean",
        "JOS stock",
        "tuned",
        "xv6",
        "Linux",
        "seL4",
        "aim",
        "JOS beaten?"
    );
    for Measured { row, figures } in measured {
        let others = row.others;
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "{:<34}{:>9}{:>9}{:>9} |{:>11}{:>10}{:>10}{:>8}{:>6} |{:>9}  {}",
            row.name,
            figures.min,
            figures.median,
            figures.mean,
            figure(others.jos_stock),
            figure(others.jos_tuned),
            figure(others.xv6),
            figure(others.linux),
            figure(others.sel4),
            figure(row.aim),
            verdict(figures.median, row.bar),
        );
    }
    table.push_str(
        "+z, +c: a page zeroed, copied; 1024 instructions each, and part of what is measured\n",
    );
    table
}

fn figure(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn verdict(median: u64, bar: u64) -> String {
    // Only for display; medians are far below 2^53.
    let ratio = bar as f64 / median.max(1) as f64;
    if median < bar {
        format!("yes, {ratio:.1} times shorter")
    } else {
        format!("NO: {bar} must be beaten")
    }
}

/// How fast programs run, for people.
pub fn speeds(speeds: &[Speed]) -> String {
    let mut table = format!(
        "{:<10}{:>22}{:>20}{:>20}\n",
        "program", "instructions, ring 3", "simulated machine", "QEMU"
    );
    for speed in speeds {
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "{:<10}{:>22}{:>20}{:>20}",
            speed.program,
            speed.instructions,
            rate(speed, speed.simulated),
            rate(speed, speed.emulated),
        );
    }
    table
}

fn rate(speed: &Speed, time: Duration) -> String {
    format!(
        "{:.2} s, {:.0} M/s",
        time.as_secs_f64(),
        speed.per_second(time)
    )
}

/// The same as a page of the book; `emulator` is what counted.
pub fn page(results: &Results, emulator: &str) -> String {
    let mut page = format!(
        "# Measurements\n\n\
         Written by `./jostle bench --icount --programs --page docs/measurements.md`; not by hand.\n\n\
         ## The kernel's paths\n\n\
         Instructions per operation, median, counted by {emulator}\n\
         (`-icount shift=0`, one CPU; every QEMU counts alike but for `boot`, which depends on firmware). They are\n\
         path lengths, exact and repeatable, not speed on hardware. \"Tuned\" is C JOS with `-O2`, no\n\
         lock debugging, no MMIO to learn the CPU number, and a scheduler that scans used slots only;\n\
         seL4's figures are with its fast path. An aim of `+z` or `+c` has a page zeroed or copied on\n\
         top, 1024 instructions each, which the measured figures contain. The programs that measure\n\
         [run on any JOS kernel](running.md#measuring).\n\n\
         | operation | Jostle | JOS stock | JOS tuned | xv6 | Linux | seL4 | aim |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for Measured { row, figures } in &results.measured {
        let others = row.others;
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| {} | **{}** | {} | {} | {} | {} | {} | {} |",
            row.name,
            figures.median,
            figure(others.jos_stock),
            figure(others.jos_tuned),
            figure(others.xv6),
            figure(others.linux),
            figure(others.sel4),
            figure(row.aim),
        );
    }
    page + &events::section(&results.dear)
        + &holds::section(&results.held)
        + &programs_section(&results.speeds)
}

/// The rows of a page's first table: names and medians.
pub fn medians_of(page: &str) -> Vec<(String, u64)> {
    let section = page.split("\n## ").nth(1).unwrap_or_default();
    let row = |line: &str| {
        let (name, rest) = line.strip_prefix("| ")?.split_once(" | **")?;
        Some((name.to_owned(), rest.split_once("**")?.0.parse().ok()?))
    };
    section.lines().filter_map(row).collect()
}

fn programs_section(speeds: &[Speed]) -> String {
    let mut section = String::from(
        "\n## The simulated machine\n\n\
         Whole programs on one CPU, on the [simulated machine](simulated-machine.md) and in the same QEMU (TCG, without\n\
         counting), by the clock of one computer and in turns: the least of five times. Of QEMU's the least time of\n\
         `hello` is subtracted, which is firmware and boot. Instructions are the program's own, in ring 3; what either\n\
         kernel does for it is in the time. Only the ratio says something about another computer.\n\n\
         | program | instructions | simulated | QEMU | simulated, M/s | QEMU, M/s |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for speed in speeds {
        let Speed {
            program,
            instructions,
            simulated,
            emulated,
        } = speed;
        // Writing to a String cannot fail.
        let _ = writeln!(
            section,
            "| {program} | {instructions} | {:.2} s | {:.2} s | **{:.0}** | {:.0} |",
            simulated.as_secs_f64(),
            emulated.as_secs_f64(),
            speed.per_second(*simulated),
            speed.per_second(*emulated),
        );
    }
    section
}

/// The same for programs: one object a row.
pub fn json(results: &Results) -> String {
    let all = json!({
        "unit": "instructions",
        "rows": each(&results.measured, |measured| json!({
            "name": measured.row.name,
            "min": measured.figures.min,
            "median": measured.figures.median,
            "mean": measured.figures.mean,
            "bar": measured.row.bar,
            "aim": measured.row.aim.map(Aim::total),
            "beaten": measured.beats_the_bar(),
        })),
        "events": each(&results.dear, |row| {
            let counts = Event::ALL.map(|event| (event.name().to_owned(), row.of(event).into()));
            let counts: Map<_, _> = counts.into_iter().collect();
            json!({ "name": row.name, "events": counts })
        }),
        "holds": each(&results.held, |hold| {
            json!({ "name": hold.name, "instructions": hold.instructions })
        }),
        "programs": each(&results.speeds, |speed| json!({
            "name": speed.program,
            "instructions": speed.instructions,
            "simulated_seconds": speed.simulated.as_secs_f64(),
            "qemu_seconds": speed.emulated.as_secs_f64(),
        })),
        "ticks": each(&results.times, |row| {
            json!({ "name": row.name, "min": row.figures.min, "median": row.figures.median })
        }),
        "scaling": each(&results.scaled, |row| {
            let [one, all] = row.ticks;
            json!({ "name": row.name, "workers": row.workers, "one": one, "all": all })
        }),
    });
    format!("{all:#}\n")
}

fn each<T>(rows: &[T], object: impl Fn(&T) -> Value) -> Vec<Value> {
    rows.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::super::rows::{BOOTS, Figures};
    use super::*;

    #[test]
    fn a_lost_row_is_marked() {
        let row = &BOOTS[0].rows[0];
        let with = |median| Measured {
            row,
            figures: Figures {
                min: median,
                median,
                mean: median,
                operations: 1,
            },
        };
        let table = table(&[with(100), with(row.bar)]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[1].ends_with("yes, 3.0 times shorter"), "{table}");
        assert!(lines[2].ends_with("NO: 298 must be beaten"), "{table}");
        let speed = Speed {
            program: "demo",
            instructions: 600_000_000,
            simulated: Duration::from_secs(3),
            emulated: Duration::from_millis(1500),
        };
        let results = Results {
            measured: vec![with(100), with(300)],
            speeds: vec![speed],
            ..Results::default()
        };
        let page = page(&results, "QEMU");
        let row = "| demo | 600000000 | 3.00 s | 1.50 s | **200** | 400 |";
        assert!(page.contains(row), "{page}");
        assert!(
            page.contains("| **100** | 395 | 298 | 1397 | 309 |"),
            "{page}"
        );
        assert_eq!(
            medians_of(&page),
            [100, 300].map(|median| (BOOTS[0].rows[0].name.to_owned(), median))
        );
        let parsed: serde_json::Value = serde_json::from_str(&json(&results)).expect("valid JSON");
        assert_eq!(parsed["rows"][0]["beaten"], true);
        assert_eq!(parsed["rows"][1]["beaten"], false);
    }
}
