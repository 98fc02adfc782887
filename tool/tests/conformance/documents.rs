//! What the book says is shown by a test is shown by one that exists.
//!
//! The hard thing is that a table is prose. So only what stands between
//! backticks is taken at its word: a path is a file, a name after "explorer:"
//! a scenario, a name after "QEMU:" words of the name of a case here.

use std::collections::BTreeSet;

use abi::Personality;
use kcore::trace::Cause;
use libtest_mimic::Failed;

use crate::boot::host;
use crate::trial::Trial;

/// A page, and the column of its table that names tests.
const TABLES: [(&str, usize); 2] = [("docs/deviations.md", 4), ("docs/promises.md", 3)];

/// `cases` are the names of all the cases here.
pub fn trials(cases: Vec<String>) -> impl Iterator<Item = Trial> {
    let tables = TABLES.into_iter().map(move |(page, column)| {
        let cases = cases.clone();
        let name = format!("documents::{page}");
        Trial::test(name, move || names_tests(page, column, &cases))
    });
    tables.chain([Trial::test(
        "documents::calls_have_one_name",
        calls_have_one_name,
    )])
}

/// A trace calls a system call what the page about them does.
fn calls_have_one_name() -> Result<(), Failed> {
    let page = host()?.workspace.root().join("docs/system-calls.md");
    let text = std::fs::read_to_string(page)?;
    let numbers = || 0..=u8::MAX;
    let calls = Personality::ALL.into_iter().flat_map(|personality| {
        numbers()
            .filter(move |&number| personality.call(number.into()).is_some())
            .map(move |number| Cause::Call {
                fast: false,
                personality,
                number,
            })
    });
    let names: BTreeSet<String> = calls.map(|call| call.to_string()).collect();
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !text.contains(&format!("| `{name}(")))
        .collect();
    if missing.is_empty() && !names.is_empty() {
        return Ok(());
    }
    Err(format!("not in the table of {} calls: {missing:?}", names.len()).into())
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
