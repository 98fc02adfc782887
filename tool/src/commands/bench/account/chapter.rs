//! The accounts as a chapter of the book.
//!
//! The hard thing is to go stale unseen: the totals here are those of the page of
//! measurements, and a test compares the two.

use std::fmt::Write as _;

use super::{Account, Stage, figure};

/// Functions with less of an operation than this are not listed.
const LEAST: f64 = 0.01;

const INTRODUCTION: &str = "\
# Where the instructions go

Written by `./jostle bench --account all --page docs/where-instructions-go.md`; not by hand.

A path length is a sum. This chapter has its terms: what each stage of an operation executes, and which functions do it.
`./jostle bench --account ROW` prints the same for any row of the [measurements](measurements.md).

QEMU translates each instruction apart and names it as it is executed; the benchmark reads the time-stamp counter before and
after a batch, and what lies between these two is counted, by address. Nothing is sampled: the sum is the measured figure. Most of
the kernel is compiled into a few functions, so the debug information tells which source an instruction comes from. The innermost
function that was folded in decides; what everybody uses, such as an index or a store to memory, belongs to whoever used it, and so
does a call of `memcpy`. Instructions that the optimizer made of several sources have one of them, so a figure of a few instructions means little.
An instruction that faults is begun twice: the accounts have it twice, the measured figures once.

The last row of the table is what other CPUs may have to wait for: from the instruction behind the one that takes the big lock to
the one that releases it. [Decision 20](decisions/0020-one-lock.md) says what follows from that for machines with many CPUs.

| stage | what is in it |
|---|---|
| program and library | everything in user mode: the loop of the benchmark, the call's wrapper, a page-fault handler |
| stubs, in and out | the assembly: registers saved and restored, segments, flags, `iret` and `sysexit` |
| Rust entry and exit | from the stub to the core: which CPU, which event, how to leave |
| lock | taking and releasing the big lock |
| clock and log test | the time of the step; whether the run is recorded |
| dispatch | from an event to its handler, and from the outcome to registers and the end of the step |
| body of the call or fault | what the call or the fault means |
| page tables and frames | checks of user memory, walks, counts of frames |
| pages zeroed and copied | one string instruction that counts once for each of 1024 words |
| births and deaths | environments that begin and end, and what is taken apart after them |
| scheduler, frame copies | who runs next; registers saved and loaded, 17 words each |
| queues | run queue and queues of senders |
| public table | what programs may see of environments |
| console | lines of the kernel and of programs |
| effects | what the step asks of the machine: another page directory, flushes, the timer, x87 registers |
| other | what no stage claims |
";

/// The chapter.
pub fn page(accounts: &[Account]) -> String {
    let mut page = format!("{INTRODUCTION}\n## By stages\n\n| stage |");
    // Writing to a String cannot fail.
    for account in accounts {
        let _ = write!(page, " {} |", account.name);
    }
    page += "\n|---|";
    page += &"--:|".repeat(accounts.len());
    for stage in Stage::ALL {
        let _ = write!(page, "\n| {} |", stage.name());
        for account in accounts {
            let _ = match account.of(stage) {
                part if part < 0.05 => write!(page, " |"),
                part => write!(page, " {} |", figure(part)),
            };
        }
    }
    page += "\n| **measured** |";
    for account in accounts {
        let _ = write!(page, " **{}** |", account.measured);
    }
    page += "\n| with the lock held |";
    for account in accounts {
        let _ = write!(page, " {} |", figure(account.held));
    }
    page += "\n";
    for account in accounts {
        page += &section(account);
    }
    page
}

/// An operation's functions.
fn section(account: &Account) -> String {
    let mut section = format!(
        "\n## {}\n\n| stage | function | instructions |\n|---|---|--:|\n",
        account.row
    );
    for (stage, part) in &account.stages {
        let mut rest = part.instructions;
        for (place, count) in &part.functions {
            if *count < LEAST * account.total() {
                break;
            }
            rest -= count;
            // Writing to a String cannot fail.
            let _ = writeln!(
                section,
                "| {} | `{place}` | {} |",
                stage.name(),
                figure(*count)
            );
        }
        if rest >= 0.5 {
            let _ = writeln!(
                section,
                "| {} | the rest | {} |",
                stage.name(),
                figure(rest)
            );
        }
    }
    section
}

/// What a page says was measured: the rows' names, as the measurements call them, and totals.
pub fn totals_of(page: &str) -> Vec<(String, u64)> {
    // The first heading is that of the table.
    let names = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .skip(1);
    let names = names.map(str::to_owned);
    let totals = page
        .lines()
        .find_map(|line| line.strip_prefix("| **measured** |"));
    let totals = totals.unwrap_or_default().split('|').filter_map(|cell| {
        let bold = cell.trim().strip_prefix("**")?.strip_suffix("**")?;
        bold.parse().ok()
    });
    names.zip(totals).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::*;

    #[test]
    fn totals_are_read_as_they_were_written() {
        let account = |name, row, measured| Account {
            name,
            row,
            measured,
            held: 5.0,
            stages: [(
                Stage::Lock,
                Part {
                    instructions: 8.0,
                    functions: vec![
                        ("biglock/src/lock.rs: take".to_owned(), 7.98),
                        ("x".to_owned(), 0.02),
                    ],
                },
            )]
            .into(),
        };
        let page = page(&[
            account("null", "null, by x: y", 8),
            account("ipc", "ipc", 1282),
        ]);
        let wanted = [("null, by x: y".to_owned(), 8), ("ipc".to_owned(), 1282)];
        assert_eq!(totals_of(&page), wanted);
        assert!(
            page.contains("| lock | `biglock/src/lock.rs: take` | 8 |\n\n"),
            "{page}"
        );
    }
}
