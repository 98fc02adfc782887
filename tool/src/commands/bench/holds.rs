//! The longest holds of the kernel's lock that are known, as the program `holds` makes
//! and measures them.
//!
//! The hard thing is a bound that means something: a row is the whole way from a
//! program through the kernel and back, so the lock is held for a little less than it
//! says. And a case that nobody thought of has no row.

use super::counted;
use crate::host::Host;

/// No row may be longer, in instructions.
pub const LIMIT: u64 = 75_000;

/// The heading of the section in the book's page.
pub const HEADING: &str = "## The longest hold of the lock";

/// One boot of the program, and its rows: what the table calls each, and what the guest
/// does.
struct Boot {
    words: &'static [&'static str],
    rows: &'static [(&'static str, &'static str)],
}

const BOOTS: &[Boot] = &[
    Boot {
        words: &["holds", "calls", "--append", "lifecycle=off prelock=off"],
        rows: &[
            ("`getenvid`", "getenvid"),
            ("`yield`", "yield"),
            ("`time_msec`", "time_msec"),
            ("`time_usec`", "time_usec"),
            ("`env_set_deadline`", "env_set_deadline"),
            ("`features`", "features"),
            ("`cgetc`; `getc` of a byte that is there", "cgetc"),
            ("`page_alloc` with a page table", "page_alloc"),
            ("`page_map` with a page table", "page_map"),
            ("`page_copy` with a page table", "page_copy"),
            ("`page_unmap`", "page_unmap"),
            ("`exofork`", "exofork"),
            ("`env_set_status`", "env_set_status"),
            ("`env_set_trapframe`", "env_set_trapframe"),
            ("`env_set_pgfault_upcall`", "env_set_pgfault_upcall"),
            ("`env_set_exception_upcall`", "env_set_exception_upcall"),
            ("`env_set_personality`", "env_set_personality"),
            ("`ipc_try_send`, a page, with a page table", "ipc_try_send"),
            ("`ipc_send`, the same", "ipc_send"),
            ("`ipc_recv` from one who waits, the same", "ipc_recv"),
            ("`ipc_call` and the `ipc_reply` to it", "ipc_call"),
            ("`job_create`", "job_create"),
            ("`env_get_state`", "env_get_state"),
            ("`env_set_state`", "env_set_state"),
            ("`env_set_scheduling`", "env_set_scheduling"),
            ("`yield` to one, and its `futex_wait`", "futex_wait"),
        ],
    },
    Boot {
        words: &["holds", "pieces", "--append", "lifecycle=off prelock=off"],
        rows: &[
            ("`sbrk` by 4 MiB, a piece", "sbrk"),
            ("`sbrk` by -4 MiB, a piece", "sbrk-back"),
            ("`page_ranges`, 1,024 fresh pages, a piece", "ranges-fresh"),
            ("`page_ranges`, 1,024 copies, a piece", "ranges-copy"),
            ("`page_ranges`, 1,024 pages shared, a piece", "ranges-share"),
            (
                "`page_ranges`, 1,024 pages unmapped, a piece",
                "ranges-unmap",
            ),
            ("`cputs` of 12 MiB, a piece", "cputs"),
            ("`env_destroy` of one with 80 MiB", "env_destroy-large"),
            ("an entry after that", "yield-after-large"),
            (
                "`page_alloc` of memory that the dead still have",
                "page_alloc-in-shortage",
            ),
            ("`sbrk` of such memory, a piece", "sbrk-in-shortage"),
        ],
    },
    Boot {
        words: &["holds", "crowds", "--append", "lifecycle=off prelock=off"],
        rows: &[
            (
                "`env_destroy` of one to whom 1,000 wait to send, a piece",
                "env_destroy-senders",
            ),
            (
                "`env_destroy` of one whose message 1,000 wait for, a piece",
                "env_destroy-speaker",
            ),
            (
                "`env_destroy` of one whose reply 1,000 wait for, a piece",
                "env_destroy-server",
            ),
            (
                "`env_destroy` of one who owns the word of 1,000, a piece",
                "env_destroy-owner",
            ),
            ("`futex_wake` of 64 of 1,000", "futex_wake"),
            (
                "`futex_wake` of 64, 936 others handed over",
                "futex_wake-others",
            ),
            ("`sleep_until`, behind 900 others", "sleep_until"),
            ("interrupt of the timer that wakes 64", "interrupt-wakes"),
            ("`job_size` of 1,000 members", "job_size"),
            ("`job_destroy` of 1,000 members that wait", "job_destroy"),
            ("`job_destroy` of them, again", "job_destroy-again"),
        ],
    },
    Boot {
        words: &["holds", "ends", "--append", "prelock=off"],
        rows: &[
            ("end of a program, with its lines", "exit"),
            ("fault that ends a program, with its registers", "exception"),
            (
                "end of a program with 100 children never started",
                "orphans",
            ),
            ("page fault, with its handler's `page_alloc`", "page-fault"),
            (
                "interrupt: of the timer; of the console, with 16 bytes",
                "interrupt",
            ),
        ],
    },
];

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// What happens.
    pub name: &'static str,
    /// Instructions from before the entry until after it.
    pub instructions: u64,
}

/// Boots and measures.
pub fn measure(host: &Host, verbose: bool) -> anyhow::Result<Vec<Hold>> {
    let mut holds = Vec::new();
    for boot in BOOTS {
        // Lab 6 has all calls.
        let words = [boot.words, &["--personality", "lab6"]].concat();
        let console = counted::console(host, &words, verbose)?;
        for &(name, label) in boot.rows {
            let figures = counted::figures(&console, &format!("hold {label}"))?;
            holds.push(Hold {
                name,
                instructions: figures.median,
            });
        }
    }
    Ok(holds)
}

/// For people; what is too long is marked.
pub fn table(holds: &[Hold]) -> String {
    let rows = holds.iter().map(|hold| {
        let verdict = if hold.is_short() { "" } else { "  TOO LONG" };
        format!("{:<58}{:>8}{verdict}\n", hold.name, hold.instructions)
    });
    let heading = format!("longest hold of the lock (at most {LIMIT})\n");
    std::iter::once(heading).chain(rows).collect()
}

/// For the book.
pub fn section(holds: &[Hold]) -> String {
    let text = format!(
        "\n{HEADING}\n\n\
         Instructions in the worst cases that are known, counted as above, on one CPU. A row is one entry to the\n\
         kernel and the way in and out, with the few instructions of programs around; so the lock is held for less. A call that\n\
         is made in [pieces](decisions/0012-lock-holds.md) has the longest of them. On more CPUs the wait for one that must stop or\n\
         flush comes on top. A test measures again: no row may be above {LIMIT}, or differ by more than 2 % from what is here.\n\n\
         | entry | instructions |\n|---|--:|\n"
    );
    let rows = holds
        .iter()
        .map(|hold| format!("| {} | **{}** |\n", hold.name, hold.instructions));
    std::iter::once(text).chain(rows).collect()
}

/// The rows of a page's section: names and figures.
pub fn rows_of(page: &str) -> Vec<(String, u64)> {
    let section = page.split(HEADING).nth(1).unwrap_or("");
    let section = section.split("\n## ").next().unwrap_or("");
    let row = |line: &str| {
        let (name, figure) = line.strip_prefix("| ")?.rsplit_once(" | **")?;
        Some((name.to_owned(), figure.strip_suffix("** |")?.parse().ok()?))
    };
    section.lines().filter_map(row).collect()
}

impl Hold {
    /// Not above [`LIMIT`].
    pub const fn is_short(&self) -> bool {
        self.instructions <= LIMIT
    }

    /// Within 2 % of what was written down.
    pub const fn is_about(&self, written: u64) -> bool {
        self.instructions.abs_diff(written) * 50 <= written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_read_as_it_was_written() {
        let holds = ["one", "two | more"].map(|name| Hold {
            name,
            instructions: 74_999,
        });
        let page = format!(
            "# Page\n\n| x | **1** |\n{}\n## Next\n\n| y | **2** |\n",
            section(&holds)
        );
        let rows = rows_of(&page);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1], ("two | more".to_owned(), 74_999));
    }

    #[test]
    fn a_figure_may_differ_by_two_percent() {
        let hold = |instructions| Hold {
            name: "",
            instructions,
        };
        assert!(hold(1020).is_about(1000) && hold(980).is_about(1000));
        assert!(!hold(1021).is_about(1000) && !hold(979).is_about(1000));
        assert!(hold(LIMIT).is_short() && !hold(LIMIT + 1).is_short());
        assert!(table(&[hold(LIMIT + 1)]).contains("TOO LONG"));
    }
}
