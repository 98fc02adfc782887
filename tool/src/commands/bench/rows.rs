//! What is measured, in which boots, and what others reach.
//!
//! The figures of the other kernels were measured once, with the same loops
//! under the same QEMU line: instructions per operation, median.

use std::fmt;

/// One line of the table.
#[derive(Debug)]
pub struct Row {
    /// What the table calls it.
    pub name: &'static str,
    /// What the guest calls it in its output.
    pub label: &'static str,
    /// The same operation elsewhere.
    pub others: Others,
    /// Must be beaten: JOS tuned by hand, or stock JOS where that is all there is.
    pub bar: u64,
    /// What the design aims at, if it names a figure.
    pub aim: Option<Aim>,
}

impl Row {
    /// Whether it is measured in batches of operations, not once.
    pub fn is_in_batches(&self) -> bool {
        self.label.starts_with("bench ") && self.guest_name() != "primes"
    }

    /// What the guest calls it when it is asked for it.
    pub fn guest_name(&self) -> &'static str {
        self.label.strip_prefix("bench ").unwrap_or(self.label)
    }
}

/// What the design aims at. Zeroing and copying pages, which is one string
/// instruction that counts once for each word, is quoted apart.
#[derive(Debug, Clone, Copy)]
pub struct Aim {
    /// All other instructions.
    pub instructions: u64,
    /// Pages zeroed.
    pub zeroed: u64,
    /// Pages copied.
    pub copied: u64,
}

impl Aim {
    const WORDS_IN_A_PAGE: u64 = 1024;

    const fn new(instructions: u64) -> Self {
        Self {
            instructions,
            zeroed: 0,
            copied: 0,
        }
    }

    const fn zeroing(self, zeroed: u64) -> Self {
        Self { zeroed, ..self }
    }

    const fn copying(self, copied: u64) -> Self {
        Self { copied, ..self }
    }

    /// Everything together, as it is measured.
    pub const fn total(self) -> u64 {
        self.instructions + (self.zeroed + self.copied) * Self::WORDS_IN_A_PAGE
    }
}

impl fmt::Display for Aim {
    /// As `700+c+z`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.instructions)?;
        (0..self.copied).try_for_each(|_| f.write_str("+c"))?;
        (0..self.zeroed).try_for_each(|_| f.write_str("+z"))
    }
}

/// Instructions per operation on other kernels.
#[derive(Debug, Clone, Copy)]
pub struct Others {
    /// JOS as handed out, labs completed.
    pub jos_stock: Option<u64>,
    /// JOS with -O2, no lock debugging, a short scan in the scheduler, quiet.
    pub jos_tuned: Option<u64>,
    /// xv6.
    pub xv6: Option<u64>,
    /// Linux 6.1, the better of two builds, mitigations off.
    pub linux: Option<u64>,
    /// seL4 16.0-dev, ia32, fast path on.
    pub sel4: Option<u64>,
}

/// One boot of the guest and the rows that it yields.
#[derive(Debug)]
pub struct Boot {
    /// The words of `jostle run`.
    pub words: &'static [&'static str],
    /// What to look for in its console.
    pub rows: &'static [Row],
}

const NULL: Others = Others {
    jos_stock: Some(395),
    jos_tuned: Some(298),
    xv6: Some(1397),
    linux: Some(309),
    sel4: Some(240),
};
const YIELD1: Others = Others {
    jos_stock: Some(13_729),
    jos_tuned: Some(292),
    xv6: None,
    linux: Some(798),
    sel4: Some(332),
};
const SWITCH: Others = Others {
    jos_stock: Some(7_128),
    jos_tuned: Some(378),
    xv6: None,
    linux: Some(1_768),
    sel4: Some(309),
};
const IPC: Others = Others {
    jos_stock: Some(15_456),
    jos_tuned: Some(1_762),
    xv6: Some(27_246),
    linux: Some(12_343),
    sel4: None,
};
/// The opponent is JOS's pair of calls: it has nothing better.
const CALL: Others = Others {
    sel4: Some(450),
    ..IPC
};
const IPCPAGE: Others = Others {
    jos_stock: Some(16_034),
    jos_tuned: Some(2_243),
    xv6: None,
    linux: None,
    sel4: None,
};
const FORK: Others = Others {
    jos_stock: Some(121_888),
    jos_tuned: Some(113_846),
    xv6: Some(1_994_224),
    linux: Some(164_780),
    sel4: None,
};
const FORK64: Others = Others {
    jos_stock: Some(238_477),
    jos_tuned: Some(209_457),
    xv6: Some(2_947_307),
    linux: Some(193_141),
    sel4: None,
};
const FAULT: Others = Others {
    jos_stock: Some(2_108),
    jos_tuned: Some(1_886),
    xv6: None,
    linux: Some(11_538),
    sel4: None,
};
const COW: Others = Others {
    jos_stock: Some(4_501),
    jos_tuned: Some(3_984),
    xv6: None,
    linux: Some(4_254),
    sel4: None,
};
const PAGE: Others = Others {
    jos_stock: Some(2_185),
    jos_tuned: Some(1_929),
    xv6: Some(9_292),
    linux: Some(19_259),
    sel4: Some(1_361),
};
const PRIMES: Others = Others {
    jos_stock: Some(97_800_000),
    jos_tuned: Some(64_300_000),
    xv6: None,
    linux: None,
    sel4: None,
};
const BOOT: Others = Others {
    jos_stock: Some(10_900_000),
    jos_tuned: None,
    xv6: Some(70_000_000),
    linux: None,
    sel4: None,
};

/// All measurements. The rows of one boot leave no pages behind that would make
/// the others of it longer.
pub static BOOTS: &[Boot] = &[
    Boot {
        words: &[
            "bench",
            "null-sysenter",
            "null-int",
            "--append",
            "lifecycle=off",
        ],
        rows: &[
            Row {
                name: "null, sysenter, before the lock",
                label: "bench null-sysenter",
                others: NULL,
                bar: 298,
                aim: Some(Aim::new(70)),
            },
            Row {
                name: "null, int 0x30, before the lock",
                label: "bench null-int",
                others: NULL,
                bar: 298,
                aim: None,
            },
        ],
    },
    Boot {
        words: &[
            "bench",
            "null-sysenter",
            "null-int",
            "--append",
            "lifecycle=off prelock=off",
        ],
        rows: &[
            Row {
                name: "null, sysenter, through the lock",
                label: "bench null-sysenter",
                others: NULL,
                bar: 298,
                aim: Some(Aim::new(100)),
            },
            Row {
                name: "null, int 0x30, through the lock",
                label: "bench null-int",
                others: NULL,
                bar: 298,
                aim: None,
            },
        ],
    },
    Boot {
        words: &[
            "bench",
            "yield1",
            "switch",
            "ipc",
            "call",
            "ipcpage",
            "--append",
            "lifecycle=off",
        ],
        rows: &[
            Row {
                name: "yield1",
                label: "bench yield1",
                others: YIELD1,
                bar: 292,
                aim: Some(Aim::new(140)),
            },
            Row {
                name: "switch (one)",
                label: "bench switch",
                others: SWITCH,
                bar: 378,
                aim: Some(Aim::new(220)),
            },
            Row {
                name: "ipc",
                label: "bench ipc",
                others: IPC,
                bar: 1_762,
                aim: Some(Aim::new(900)),
            },
            Row {
                name: "call, words there and back",
                label: "bench call",
                others: CALL,
                bar: 1_762,
                aim: Some(Aim::new(400)),
            },
            Row {
                name: "ipcpage",
                label: "bench ipcpage",
                others: IPCPAGE,
                bar: 2_243,
                aim: Some(Aim::new(1_200)),
            },
        ],
    },
    Boot {
        words: &["benchfork", "fork", "fork64", "--append", "lifecycle=off"],
        rows: &[
            Row {
                name: "fork",
                label: "bench fork",
                others: FORK,
                bar: 113_846,
                aim: Some(Aim::new(28_000)),
            },
            Row {
                name: "fork64",
                label: "bench fork64",
                others: FORK64,
                bar: 209_457,
                aim: Some(Aim::new(48_000)),
            },
        ],
    },
    Boot {
        words: &["bench", "fault", "cow", "page", "--append", "lifecycle=off"],
        rows: &[
            Row {
                name: "fault",
                label: "bench fault",
                others: FAULT,
                bar: 1_886,
                aim: Some(Aim::new(450).zeroing(1)),
            },
            Row {
                name: "cow",
                label: "bench cow",
                others: COW,
                bar: 3_984,
                aim: Some(Aim::new(700).copying(1).zeroing(1)),
            },
            Row {
                name: "page",
                label: "bench page",
                others: PAGE,
                bar: 1_929,
                aim: Some(Aim::new(300).zeroing(1)),
            },
        ],
    },
    Boot {
        words: &["benchfork", "primes", "--append", "lifecycle=off"],
        rows: &[Row {
            name: "primes, until 1877",
            label: "bench primes",
            others: PRIMES,
            bar: 64_300_000,
            aim: Some(Aim::new(28_000_000)),
        }],
    },
    Boot {
        words: &["hello", "--append", "lifecycle=off boottime=on"],
        rows: &[Row {
            name: "boot",
            label: "boot:",
            others: BOOT,
            bar: 10_900_000,
            aim: Some(Aim::new(1_500_000)),
        }],
    },
];

/// What the guest printed for a row, in instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The quickest batch.
    pub min: u64,
    /// The middle one: this is compared.
    pub median: u64,
    /// All of them; scheduler ticks are in here.
    pub mean: u64,
    /// How many a batch has.
    pub operations: u64,
}

impl Figures {
    /// Looks for `LABEL min N median N mean N of N`, or `LABEL N` for what happens
    /// once.
    pub fn find(console: &str, label: &str) -> Option<Self> {
        console.lines().find_map(|line| {
            let rest = line.strip_prefix(label)?.strip_prefix(' ')?;
            let words: Vec<&str> = rest.split_whitespace().collect();
            match words[..] {
                ["min", min, "median", median, "mean", mean, "of", operations] => Some(Self {
                    min: min.parse().ok()?,
                    median: median.parse().ok()?,
                    mean: mean.parse().ok()?,
                    operations: operations.parse().ok()?,
                }),
                [once, ..] => {
                    let once = once.parse().ok()?;
                    Some(Self {
                        min: once,
                        median: once,
                        mean: once,
                        operations: 1,
                    })
                }
                [] => None,
            }
        })
    }
}

/// A row with its figures.
#[derive(Debug)]
pub struct Measured {
    /// What was measured.
    pub row: &'static Row,
    /// What came out.
    pub figures: Figures,
}

impl Measured {
    /// Fewer instructions than the bar.
    pub fn beats_the_bar(&self) -> bool {
        self.figures.median < self.row.bar
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_in_a_console() {
        let console = "boot: 1400000 instructions\nhello, world\n\
            bench null-int min 90 median 91 mean 93 of 1000\nbench null min 1 median 2\n";
        assert_eq!(
            Figures::find(console, "bench null-int"),
            Some(Figures {
                min: 90,
                median: 91,
                mean: 93,
                operations: 1000,
            })
        );
        let boot = Figures::find(console, "boot:").expect("there");
        assert_eq!(boot.median, 1_400_000);
        assert_eq!(Figures::find(console, "bench switch"), None);
        // Neither a prefix of a label nor half a line will do.
        assert_eq!(Figures::find(console, "bench nul"), None);
        assert_eq!(Figures::find(console, "bench null"), None);
    }

    #[test]
    fn zeroing_and_copying_are_quoted_apart() {
        let aim = Aim::new(700).copying(1).zeroing(1);
        assert_eq!(aim.to_string(), "700+c+z");
        assert_eq!(aim.total(), 2748);
    }

    #[test]
    fn a_tie_does_not_beat_the_bar() {
        let row = &BOOTS[0].rows[0];
        let measured = |median| Measured {
            row,
            figures: Figures {
                min: 1,
                median,
                mean: median,
                operations: 1,
            },
        };
        assert!(measured(row.bar - 1).beats_the_bar());
        assert!(!measured(row.bar).beats_the_bar());
    }
}
