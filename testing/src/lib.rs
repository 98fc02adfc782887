//! What a test says of a program that runs on Jostle.
//!
//! ```no_run
//! #[test]
//! fn says_hello() {
//!     jostle_test::program("hello").schedules(100).prints("hello, world");
//! }
//! ```
//!
//! The program runs on the simulated machine, once under each of so many schedules, and
//! must print what it is asked for under all of them. A test that fails shows the console
//! of the first run that did not, and the command that opens this very run in the
//! debugger, where it goes forwards and backwards.
//!
//! The hard thing is to be light. A test in a folder of somebody's own would have to
//! compile the whole machine, so this crate depends on nothing: it asks the `jostle`
//! command of its tree, by `jostle try`.

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::Command;

/// A program by its name; or, with a slash in it, a folder with its sources, a C file or
/// an ELF file.
pub fn program(program: impl Into<String>) -> Program {
    Program {
        program: program.into(),
        arguments: Vec::new(),
        cpus: 4,
        schedules: 100,
        may_wait: false,
    }
}

/// A program to be tested.
#[derive(Clone, Debug)]
#[must_use = "nothing runs before `prints`, `never_prints` or `ends`"]
pub struct Program {
    program: String,
    arguments: Vec<String>,
    cpus: u32,
    schedules: u32,
    may_wait: bool,
}

impl Program {
    /// One more argument for the program.
    pub fn argument(mut self, argument: impl Into<String>) -> Program {
        self.arguments.push(argument.into());
        self
    }

    /// How many CPUs the machine has, instead of 4.
    pub fn cpus(self, cpus: u32) -> Program {
        Program { cpus, ..self }
    }

    /// Under how many schedules it runs, instead of 100.
    pub fn schedules(self, schedules: u32) -> Program {
        Program { schedules, ..self }
    }

    /// Environments may be left that wait for ever, as servers do.
    pub fn may_wait(self) -> Program {
        Program {
            may_wait: true,
            ..self
        }
    }

    /// Each line of `text` stands in a line of the console, in this order; other lines may
    /// come between them. No environment is killed, and all come to an end.
    ///
    /// # Panics
    /// If that is not so under one of the schedules.
    #[track_caller]
    pub fn prints(self, text: &str) {
        self.run(text.lines().map(|line| format!("--prints={line}")));
    }

    /// No line of the console has `text` in it.
    ///
    /// # Panics
    /// If one has, if an environment is killed, or if not all come to an end.
    #[track_caller]
    pub fn never_prints(self, text: &str) {
        self.run([format!("--never-prints={text}")]);
    }

    /// No environment is killed, and all come to an end.
    ///
    /// # Panics
    /// If that is not so under one of the schedules.
    #[track_caller]
    pub fn ends(self) {
        self.run([]);
    }

    #[track_caller]
    fn run(self, options: impl IntoIterator<Item = String>) {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("");
        let jostle = tree.join("jostle");
        let mut command = Command::new(&jostle);
        command
            .arg("try")
            .arg(format!("--schedules={}", self.schedules))
            .arg(format!("--cpus={}", self.cpus))
            .args(self.may_wait.then_some("--may-wait"))
            .args(options)
            .arg("--")
            .arg(&self.program)
            .args(&self.arguments);
        match command.output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => panic!(
                "{}\n{}{}",
                self.program,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
            Err(error) => panic!("{}: {error}", jostle.display()),
        }
    }
}
