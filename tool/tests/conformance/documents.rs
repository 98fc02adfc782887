//! What the book says is shown by a test is shown by one that exists.
//!
//! The hard thing is that a table is prose. So only what stands between
//! backticks is taken at its word: a path is a file, a name after "explorer:"
//! a scenario, a name after "QEMU:" words of the name of a case here.
//!
//! And a page that promises all files names all of them.

mod book;
mod calls;
mod plants;

use std::collections::BTreeSet;
use std::path::Path;

use jostle::commands::bench::account::chapter::totals_of;
use jostle::commands::bench::report::medians_of;
use libtest_mimic::Failed;

use crate::boot::host;
use crate::trial::Trial;

/// A page, and the column of its table that names tests.
const TABLES: [(&str, usize); 3] = [
    ("docs/deviations.md", 4),
    ("docs/library.md", 3),
    ("docs/promises.md", 3),
];

/// `cases` are the names of all the cases here.
pub fn trials(cases: Vec<String>) -> impl Iterator<Item = Trial> {
    let tables = TABLES.into_iter().map(move |(page, column)| {
        let cases = cases.clone();
        let name = format!("documents::{page}");
        Trial::test(name, move || names_tests(page, column, &cases))
    });
    tables
        .chain([
            Trial::test(
                "documents::accounts_are_of_measured_rows",
                accounts_are_current,
            ),
            Trial::test("documents::readme_counts_programs", readme_counts_programs),
            Trial::test("documents::reading_names_every_file", reading_is_complete),
        ])
        .chain(book::trials())
        .chain(calls::trials())
        .chain(plants::trials())
}

/// The page that leads through the kernel's files, and the folders that hold them.
const READING: &str = "docs/reading.md";
const READ: [&str; 5] = [
    "biglock/src",
    "kcore/src",
    "kernel",
    "monitor/src",
    "witness/src",
];

/// It names each of these files once, and no file that is not there.
fn reading_is_complete() -> Result<(), Failed> {
    let root = host()?.workspace.root();
    let text = std::fs::read_to_string(root.join(READING))?;
    let rows = text.lines().filter(|line| line.starts_with("| ["));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let named: Vec<String> = cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let mut files = BTreeSet::new();
    for folder in READ {
        add_sources(root, folder, &mut files)?;
    }
    let once: BTreeSet<String> = named.iter().cloned().collect();
    let missing: Vec<&String> = files.difference(&once).collect();
    let foreign: Vec<&String> = once.difference(&files).collect();
    let twice = named.len() - once.len();
    if missing.is_empty() && foreign.is_empty() && twice == 0 && !files.is_empty() {
        return Ok(());
    }
    let complaint = format!(
        "{READING}: of {} files not named: {missing:?}; not there: {foreign:?}; named again: {twice}",
        files.len()
    );
    Err(complaint.into())
}

/// Adds the files below a folder that have something to read, by their paths
/// from the root.
fn add_sources(root: &Path, folder: &str, files: &mut BTreeSet<String>) -> Result<(), Failed> {
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            add_sources(root, &path, files)?;
        } else if [".rs", ".s", ".ld"].iter().any(|end| path.ends_with(end)) {
            files.insert(path);
        }
    }
    Ok(())
}

/// The chapter on where instructions go adds up to what was measured: each was generated
/// from the same kernel, or one of them is stale.
fn accounts_are_current() -> Result<(), Failed> {
    let root = host()?.workspace.root();
    let accounts = std::fs::read_to_string(root.join("docs/where-instructions-go.md"))?;
    let measured = medians_of(&std::fs::read_to_string(root.join("docs/measurements.md"))?);
    let accounts = totals_of(&accounts);
    let is_stale = |(name, total): &&(String, u64)| {
        let row = measured.iter().find(|(row, _)| row == name);
        row.is_none_or(|(_, figure)| figure.abs_diff(*total) * 100 > *figure)
    };
    let stale: Vec<&(String, u64)> = accounts.iter().filter(is_stale).collect();
    if stale.is_empty() && accounts.len() > 5 {
        return Ok(());
    }
    let count = accounts.len();
    Err(format!("of {count} accounts these are not of what was measured: {stale:?}").into())
}

/// The run that the README quotes has as many programs as there are: each file or
/// folder here is one, and the prompt itself is not among those that it lists. Somebody's
/// own, made by `jostle new`, are more.
fn readme_counts_programs() -> Result<(), Failed> {
    let root = host()?.workspace.root();
    let programs = std::fs::read_dir(root.join("programs/src/bin"))?.count() - 1;
    let readme = std::fs::read_to_string(root.join("README.md"))?;
    let quoted = readme.split_once("Jostle, with ").map(|(_, rest)| rest);
    let number = quoted.and_then(|rest| rest.split_once(" programs: "));
    let number: usize = number
        .ok_or("no number of programs in README.md")?
        .0
        .parse()?;
    if (1..=programs).contains(&number) {
        return Ok(());
    }
    Err(format!("README.md quotes {number} programs; there are {programs}").into())
}

fn names_tests(page: &str, column: usize, cases: &[String]) -> Result<(), Failed> {
    let root = host()?.workspace.root();
    let text = std::fs::read_to_string(root.join(page))?;
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let claims: Vec<&str> = rows.filter_map(|row| row.split('|').nth(column)).collect();
    let scenarios: Vec<&str> = sim::explorer::scenarios::all()
        .into_iter()
        .map(|scenario| scenario.name)
        .collect();
    let exists = |kind: &str, name: &str| {
        if name.contains('/') {
            root.join(name).exists()
        } else if kind.ends_with("explorer:") {
            scenarios.contains(&name)
        } else if kind.ends_with("QEMU:") {
            let words = format!("::{}::", name.trim_end_matches("::*"));
            cases
                .iter()
                .any(|case| format!("::{case}::").contains(&words))
        } else {
            true
        }
    };
    let mut missing = Vec::new();
    let mut named = 0;
    for claim in claims.iter().flat_map(|cell| cell.split(';')) {
        // What is between backticks has an odd number.
        let mut words = claim.split('`');
        let kind = words.next().unwrap_or_default().trim();
        for name in words.step_by(2) {
            named += 1;
            if !exists(kind, name) {
                missing.push(format!("{kind} {name}"));
            }
        }
    }
    if missing.is_empty() && named > 0 {
        return Ok(());
    }
    Err(format!("{page} names {named} tests, and these are not there: {missing:?}").into())
}
