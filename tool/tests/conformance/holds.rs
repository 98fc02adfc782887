//! The longest holds of the kernel's lock are as docs/measurements.md says.
//!
//! The hard thing is a figure that is meant to change: the page is edited then, which
//! the complaint says how to do.

use jostle::commands::bench::holds::{LIMIT, measure, rows_of};
use libtest_mimic::Failed;

use crate::boot::host;
use crate::trial::Trial;

/// The page with the table.
const PAGE: &str = "docs/measurements.md";

/// One case.
pub fn trials() -> impl Iterator<Item = Trial> {
    [Trial::test("longest_holds", are_as_written)].into_iter()
}

fn are_as_written() -> Result<(), Failed> {
    let host = host()?;
    let page = std::fs::read_to_string(host.workspace.root().join(PAGE))?;
    let written = rows_of(&page);
    let holds = measure(host, false).map_err(|error| format!("{error:#}"))?;
    let mut wrong = Vec::new();
    for hold in &holds {
        let row = format!("| {} | **{}** |", hold.name, hold.instructions);
        if !hold.is_short() {
            wrong.push(format!("above {LIMIT}: {row}"));
        }
        match written.iter().find(|(name, _)| name == hold.name) {
            Some(&(_, figure)) if hold.is_about(figure) => {}
            Some(&(_, figure)) => wrong.push(format!("was {figure}, now: {row}")),
            None => wrong.push(format!("not in the page: {row}")),
        }
    }
    if written.len() != holds.len() {
        wrong.push(format!("the page has {} rows", written.len()));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{PAGE}:\n{}", wrong.join("\n")).into()),
    }
}
