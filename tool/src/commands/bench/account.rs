//! Where the instructions of an operation go: by stages, and in each by functions.
//!
//! The hard thing is that every instruction must be somewhere, once. An address has one
//! stage (see [`Stage`]), so the sums are the whole; what no stage claims is a row of its
//! own, and must stay small.

pub mod chapter;
mod stages;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context;

use self::stages::{short, stage_of};
use super::rows::{BOOTS, Boot, Row};
use super::traced::{self, Code, Traced};
use crate::host::Host;
use crate::status::usage;

pub use self::stages::Stage;

/// Instead of a row: those of the chapter.
pub const ALL: &str = "all";

/// The rows of the chapter, as they are asked for.
const CHAPTER: [&str; 9] = [
    "null", "switch", "ipc", "call", "ipcpage", "page", "fault", "cow", "fork",
];

/// What an operation executes.
pub struct Account {
    /// What it was asked for as.
    pub name: &'static str,
    /// The row's name in the table of measurements.
    pub row: &'static str,
    /// Instructions, as the program measured them.
    pub measured: u64,
    /// How many of them with the big lock held.
    pub held: f64,
    /// Instructions by stages, and by functions in them.
    pub stages: BTreeMap<Stage, Part>,
}

/// What a stage executes in an operation, on average.
#[derive(Default)]
pub struct Part {
    /// All of it.
    pub instructions: f64,
    /// By functions and their files, most first.
    pub functions: Vec<(String, f64)>,
}

impl Account {
    /// All instructions that have a stage or are [`Stage::Other`].
    pub fn total(&self) -> f64 {
        self.stages.values().map(|part| part.instructions).sum()
    }

    /// What a stage executes.
    pub fn of(&self, stage: Stage) -> f64 {
        self.stages
            .get(&stage)
            .map_or(0.0, |part| part.instructions)
    }

    fn new(name: &'static str, code: &Code, traced: &Traced) -> Self {
        let places = traced::by_key(&traced.batch, |point| {
            let functions = code.functions(point.account);
            let (stage, decides) = stage_of(point.account, &functions);
            let place = decides.map_or("?".to_owned(), |function| match &function.file {
                Some(file) => format!("{file}: {}", short(&function.name)),
                None => short(&function.name).to_owned(),
            });
            (stage, place)
        });
        let mut stages = BTreeMap::<Stage, Part>::new();
        for ((stage, place), count) in places {
            let count = traced.per_operation(count);
            let part = stages.entry(stage).or_default();
            part.instructions += count;
            part.functions.push((place, count));
        }
        for part in stages.values_mut() {
            part.functions
                .sort_by(|(_, one), (_, other)| other.total_cmp(one));
        }
        Self {
            name,
            row: traced.row.name,
            measured: traced.figures.median,
            held: traced.per_operation(traced.batch.held),
            stages,
        }
    }
}

/// What can be asked for: rows that are measured in batches, with their boots.
pub fn traceable() -> impl Iterator<Item = (&'static Boot, &'static Row)> {
    let rows = BOOTS
        .iter()
        .flat_map(|boot| boot.rows.iter().map(move |row| (boot, row)));
    rows.filter(|(_, row)| row.is_in_batches())
}

/// What can be asked for, each with the name to ask by.
fn named() -> impl Iterator<Item = (&'static str, &'static Boot, &'static Row)> {
    let is_locked = |boot: &Boot| boot.words.iter().any(|word| word.contains("prelock=off"));
    traceable().map(move |(boot, row)| match row.guest_name() {
        "null-sysenter" if is_locked(boot) => ("null", boot, row),
        "null-int" if is_locked(boot) => ("null-int-locked", boot, row),
        name => (name, boot, row),
    })
}

/// The row of this name: as above or as the table calls it. `null` is the way through the
/// lock.
fn find(name: &str) -> Option<(&'static str, &'static Boot, &'static Row)> {
    named().find(|(asked, _, row)| name == *asked || name == row.name)
}

/// Whether there is a row of this name.
pub fn check(name: &str) -> anyhow::Result<()> {
    if name == ALL || find(name).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = named().map(|(asked, _, _)| asked).collect();
    Err(usage(format_args!(
        "no row {name:?}: there are {} and {ALL}",
        known.join(", ")
    )))
}

/// Traces one row, or the chapter's.
pub fn measure(host: &Host, name: &str, verbose: bool) -> anyhow::Result<Vec<Account>> {
    let names = if name == ALL { &CHAPTER[..] } else { &[name] };
    let wanted: Option<Vec<_>> = names.iter().map(|name| find(name)).collect();
    let wanted = wanted.context("no such row")?;
    let mut accounts = Vec::new();
    for boot in BOOTS {
        let of_boot: Vec<_> = wanted
            .iter()
            .filter(|(_, of, _)| std::ptr::eq(*of, boot))
            .collect();
        if of_boot.is_empty() {
            continue;
        }
        let rows: Vec<&Row> = of_boot.iter().map(|(_, _, row)| *row).collect();
        let (code, traced) = traced::trace(host, boot, &rows, verbose)?;
        let pairs = of_boot.iter().zip(&traced);
        accounts.extend(pairs.map(|((name, _, _), traced)| Account::new(name, &code, traced)));
    }
    accounts.sort_by_key(|account| names.iter().position(|name| *name == account.name));
    Ok(accounts)
}

/// For people.
pub fn text(account: &Account) -> String {
    let mut text = format!(
        "{}: {} instructions, {} accounted for, {} with the lock held\n",
        account.row,
        account.measured,
        figure(account.total()),
        figure(account.held)
    );
    for (stage, part) in &account.stages {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:>10}  {}", figure(part.instructions), stage.name());
        // Less than one in many operations is of the loop around them.
        let often = part.functions.iter().filter(|(_, count)| *count >= 0.05);
        for (place, count) in often {
            let _ = writeln!(text, "{:>20}  {place}", figure(*count));
        }
    }
    text
}

/// With a decimal, if it is not nearly whole.
pub fn figure(value: f64) -> String {
    match (value - value.round()).abs() < 0.05 {
        true => format!("{value:.0}"),
        false => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_both_names() {
        let null = find("null").expect("there");
        assert_eq!(null.2.name, "null, sysenter, through the lock");
        assert_eq!(
            find("null-int").expect("there").2.name,
            "null, int 0x30, before the lock"
        );
        assert_eq!(find(null.2.name).expect("there").0, "null");
        assert!(CHAPTER.iter().all(|name| check(name).is_ok()));
        assert!(check("primes").is_err() && check("boot").is_err() && check("").is_err());
    }

    #[test]
    fn a_figure_is_short() {
        assert_eq!(figure(115.96), "116");
        assert_eq!(figure(115.5), "115.5");
    }
}
