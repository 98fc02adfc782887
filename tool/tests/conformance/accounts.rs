//! The accounts of where instructions go are complete, and the counts of what is dear are as
//! docs/measurements.md says.
//!
//! The hard thing is a source file that is new or renamed: no stage claims it, and its
//! instructions would move to another stage or to none without a word. So what no stage
//! claims has a limit.

use jostle::commands::bench::account::{self, Account, Stage};
use jostle::commands::bench::events::{self, Event, Events};
use jostle::commands::bench::report::medians_of;
use libtest_mimic::Failed;

use crate::boot::host;
use crate::trial::Trial;

/// The page with the tables.
const PAGE: &str = "docs/measurements.md";

/// Two cases.
pub fn trials() -> impl Iterator<Item = Trial> {
    [
        Trial::test("accounts::are_complete", are_complete),
        Trial::test("accounts::events_are_as_written", events_are_as_written),
    ]
    .into_iter()
}

fn page() -> Result<String, Failed> {
    let path = host()?.workspace.root().join(PAGE);
    Ok(std::fs::read_to_string(path)?)
}

fn are_complete() -> Result<(), Failed> {
    let written = medians_of(&page()?);
    let accounts = account::measure(host()?, account::ALL, false);
    let accounts = accounts.map_err(|error| format!("{error:#}"))?;
    let null = accounts.iter().any(|account| account.name == "null");
    let mut wrong: Vec<String> = accounts
        .iter()
        .flat_map(|account| complaints(account, &written))
        .collect();
    if !null {
        wrong.push("no account of null".to_owned());
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n").into()),
    }
}

/// What is wrong with an account, beside the measurements of the page.
fn complaints(account: &Account, written: &[(String, u64)]) -> Vec<String> {
    let (name, total, other) = (account.row, account.total(), account.of(Stage::Other));
    let is_near = |figure: u64| (total - figure as f64).abs() <= 0.02 * figure as f64;
    let mut wrong = Vec::new();
    if !is_near(account.measured) {
        wrong.push(format!(
            "{name}: {total} accounted for of {}",
            account.measured
        ));
    }
    match written.iter().find(|(row, _)| row == name) {
        Some(&(_, figure)) if is_near(figure) => {}
        Some((_, figure)) => wrong.push(format!("{name}: {total}, but {PAGE} says {figure}")),
        None => wrong.push(format!("{name}: not in {PAGE}")),
    }
    if other >= 0.05 * total {
        let text = account::text(account);
        wrong.push(format!(
            "{name}: no stage claims {other} of {total}\n{text}"
        ));
    }
    wrong
}

fn events_are_as_written() -> Result<(), Failed> {
    let page = page()?;
    let found = events::measure(host()?, false).map_err(|error| format!("{error:#}"))?;
    let lines = found.iter().map(Events::line);
    let missing: Vec<String> = lines.filter(|line| !page.contains(line.as_str())).collect();
    let count = |name: &str, event| {
        found
            .iter()
            .find(|row| row.name == name)
            .map(|row| row.of(event).round())
    };
    let laws = [
        ("switch (one)", Event::DeviceWrite, 0.0),
        ("switch (one)", Event::Cr3, 1.0),
        ("null, sysenter, before the lock", Event::Atomic, 0.0),
        ("null, sysenter, through the lock", Event::Entry, 1.0),
        ("call, words there and back", Event::Entry, 2.0),
    ];
    for (name, event, wanted) in laws {
        if count(name, event) != Some(wanted) {
            let found = count(name, event);
            return Err(format!("{name}: {} must be {wanted}: {found:?}", event.name()).into());
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("not in {PAGE}:\n{}", missing.join("\n")).into()),
    }
}
