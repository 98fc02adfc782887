//! How often an operation does what is dear on real hardware, whatever it counts as.
//!
//! The hard thing is to see it without a processor that tells: the trace has every
//! instruction's address, and the bytes there say what it is. So the counts are exact.

mod opcode;

use std::collections::BTreeMap;

use super::account::{figure, traceable};
use super::rows::{BOOTS, Row};
use super::traced::{self, Code, Traced};
use crate::host::Host;

pub use self::opcode::Event;

/// The heading of the section in the book's page.
pub const HEADING: &str = "## What is dear";

/// A row's events.
pub struct Events {
    /// The row's name.
    pub name: &'static str,
    /// Of an operation, on average.
    counts: BTreeMap<Event, f64>,
}

impl Events {
    /// How many of a kind.
    pub fn of(&self, event: Event) -> f64 {
        self.counts.get(&event).copied().unwrap_or_default()
    }

    fn new(code: &Code, traced: &Traced) -> Self {
        let found = traced::by_key(&traced.batch, |point| {
            opcode::event(code.image.bytes(point.at))
        });
        let counts = found
            .into_iter()
            .filter_map(|(event, count)| Some((event?, count)));
        let entries = [(Event::Entry, traced.batch.entries)];
        let counts = counts.chain(entries);
        Self {
            name: traced.row.name,
            counts: counts
                .map(|(event, count)| (event, traced.per_operation(count)))
                .collect(),
        }
    }

    /// Its row of the page.
    pub fn line(&self) -> String {
        let figures = Event::ALL.map(|event| figure(self.of(event)));
        format!("| {} | {} |", self.name, figures.join(" | "))
    }
}

/// Traces all rows that can be.
pub fn measure(host: &Host, verbose: bool) -> anyhow::Result<Vec<Events>> {
    let mut events = Vec::new();
    for boot in BOOTS {
        let rows = traceable().filter(|(of, _)| std::ptr::eq(*of, boot));
        let rows: Vec<&Row> = rows.map(|(_, row)| row).collect();
        if rows.is_empty() {
            continue;
        }
        let (code, traced) = traced::trace(host, boot, &rows, verbose)?;
        events.extend(traced.iter().map(|traced| Events::new(&code, traced)));
    }
    Ok(events)
}

/// For people.
pub fn table(events: &[Events]) -> String {
    let heads = Event::ALL.map(|event| format!("{:>14}", event.name()));
    let heading = format!("{:<34}{}\n", "events per operation", heads.concat());
    let rows = events.iter().map(|row| {
        let figures = Event::ALL.map(|event| format!("{:>14}", figure(row.of(event))));
        format!("{:<34}{}\n", row.name, figures.concat())
    });
    std::iter::once(heading).chain(rows).collect()
}

/// For the book.
pub fn section(events: &[Events]) -> String {
    let heads = Event::ALL.map(Event::name).join(" | ");
    let mut section = format!(
        "\n{HEADING}\n\n\
         Instructions are not alike. These cost tens or thousands of others on a processor, and some wake an emulator's main\n\
         loop or leave a virtual machine: entries to the kernel from user mode; loads of CR3, which lose the translations of user\n\
         memory; `invlpg`; reads and writes of a device's registers in memory, which here are those of the interrupt\n\
         controllers; instructions for ports; and atomic instructions on memory (`lock`, `xchg`), of kernel and program.\n\
         Counted in the same operations, by the bytes of each instruction executed. A test counts again. [Where the\n\
         instructions go](where-instructions-go.md) has the stages and functions.\n\n\
         | operation | {heads} |\n|---|{}\n",
        "--:|".repeat(Event::ALL.len())
    );
    for row in events {
        section += &row.line();
        section += "\n";
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_figure_for_each_kind() {
        let row = Events {
            name: "switch (one)",
            counts: [
                (Event::Entry, 1.0),
                (Event::Cr3, 0.996),
                (Event::Atomic, 2.5),
            ]
            .into(),
        };
        assert_eq!(row.line(), "| switch (one) | 1 | 1 | 0 | 0 | 0 | 0 | 2.5 |");
        let section = section(&[row]);
        let columns = |line: &str| line.matches('|').count();
        let table: Vec<&str> = section
            .lines()
            .filter(|line| line.starts_with('|'))
            .collect();
        assert_eq!(table.len(), 3);
        assert!(
            table.iter().all(|line| columns(line) == columns(table[0])),
            "{section}"
        );
    }
}
