//! The system's ideas, a program at a time.
//!
//! Somebody who has booted the system and sees a prompt wants to be shown something, in an
//! order in which each thing needs only what came before. The hard thing is to be short: an
//! idea is what one needs to know to see it in the program's lines.

/// One idea, and the program that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Station {
    /// Its heading.
    pub title: &'static str,
    /// What to know and where to look, in lines of a screen.
    pub idea: &'static str,
    /// What is entered at the prompt: a program and its arguments.
    pub line: &'static str,
    /// Where to read on, from the project's folder.
    pub page: &'static str,
}

/// All of them, in order.
pub const STATIONS: [Station; 10] = [
    Station {
        title: "Environments",
        idea: "A program runs in an environment: registers, an address space, an id.\n\
               This one asks the kernel for its id, prints it and ends.",
        line: "hello",
        page: "docs/environments.md",
    },
    Station {
        title: "Protection",
        idea: "A program can do harm only to itself. This one passes the kernel an address that\n\
               it does not have. The kernel checks it, and ends the program.",
        line: "buggyhello",
        page: "docs/promises.md",
    },
    Station {
        title: "Page faults belong to programs",
        idea: "Touch a page that is not there, and the kernel calls a handler of your own, on a\n\
               stack of its own. This one maps the page that was missing, and goes on.",
        line: "faultalloc",
        page: "docs/memory-map.md",
    },
    Station {
        title: "Fork is a library's affair",
        idea: "The kernel can only make an empty environment and map pages. The library makes\n\
               fork of that: parent and child share all pages, and who writes to one gets a\n\
               fault, and a copy. Each line is one environment's way through the tree.",
        line: "forktree",
        page: "docs/environments.md",
    },
    Station {
        title: "Pre-emption",
        idea: "Nobody can keep a CPU. The child spins for ever; the timer takes its CPU away,\n\
               again and again, until the parent has had its turns and ends it.",
        line: "spin",
        page: "docs/locks.md",
    },
    Station {
        title: "Messages",
        idea: "Environments talk by messages of one word: send waits until the other one\n\
               receives. A parent and its child count to ten.",
        line: "pingpong",
        page: "docs/messages.md",
    },
    Station {
        title: "Pages in messages",
        idea: "A page can go with the word. Both then have it, and nothing was copied. Parent\n\
               and child greet each other through such pages.",
        line: "sendpage",
        page: "docs/messages.md",
    },
    Station {
        title: "Many environments",
        idea: "Every prime is an environment that passes on what it does not divide. Each number\n\
               travels by messages, over as many CPUs as there are.",
        line: "primes 100",
        page: "docs/where-instructions-go.md",
    },
    Station {
        title: "A program taken back",
        idea: "State and pages of a stopped environment are plain values. This one notes a child\n\
               that counts, lets it go on, and brings it back to where it was.",
        line: "rollback",
        page: "docs/decisions/0019-checkpoint.md",
    },
    Station {
        title: "All CPUs at work",
        idea: "Eight environments draw one picture. Before each row stands the CPU on which it\n\
               was finished.",
        line: "demo",
        page: "docs/reading.md",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{self, Command};

    #[test]
    fn each_station_runs_a_program() {
        for station in STATIONS {
            assert!(
                matches!(
                    command::parse(station.line),
                    Ok(Some(Command::Run {
                        background: false,
                        ..
                    }))
                ),
                "{}",
                station.line
            );
        }
    }

    #[test]
    fn ideas_fit_a_screen() {
        for station in STATIONS {
            assert!(station.idea.lines().count() <= 3, "{}", station.title);
            let longest = station.idea.lines().map(str::len).max();
            assert!(longest.is_some_and(|length| length <= 82), "{longest:?}");
        }
    }
}
