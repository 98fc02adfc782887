//! A person at the monitor's prompt lets a program go on.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use crate::programs::COMMAND_LIMIT_SECONDS;

/// `breakpoint` stops; told to continue it ends by itself; and the monitor is
/// entered again because nothing is left.
pub fn breakpoint_goes_on() -> Result<(), Failed> {
    let mut session = Session::start("breakpoint")?;
    let stopped = session.until_prompt()?;
    let helped = session.answer("help\n")?;
    let wrong = session.answer("halp\n")?;
    let ended = session.answer("continue\n")?;
    let free = "[00001000] free env 00001000\n";
    let claims = [
        (
            "it stopped",
            stopped.contains("  trap 0x00000003 Breakpoint\n"),
        ),
        ("it was not freed then", !stopped.contains(free)),
        (
            "help lists itself",
            helped.contains("help - Display this list of commands\n"),
        ),
        (
            "help says what numbers are",
            helped.contains("Numbers are hexadecimal, but for N.\n"),
        ),
        (
            "an unknown command is named",
            wrong.contains("Unknown command 'halp'\n"),
        ),
        (
            "it ended by itself",
            ended.contains("[00001000] exiting gracefully\n"),
        ),
        ("it was freed", ended.contains(free)),
        (
            "the monitor came again",
            ended.contains("Welcome to the JOS kernel monitor!\n"),
        ),
    ];
    let broken: Vec<&str> = claims
        .iter()
        .filter_map(|&(claim, holds)| (!holds).then_some(claim))
        .collect();
    if broken.is_empty() {
        return Ok(());
    }
    let shown = [stopped, helped, wrong, ended].concat();
    Err(format!("not so: {}\n{shown}", broken.join(", ")).into())
}

/// `jostle run` with somebody at the console.
struct Session(Child);

impl Session {
    fn start(program: &str) -> Result<Self, Failed> {
        let child = Command::new(env!("CARGO_BIN_EXE_jostle"))
            .args([
                "run",
                program,
                "--cpus",
                "1",
                "--timeout",
                COMMAND_LIMIT_SECONDS,
            ])
            .args(["--append", "grading"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    /// Types a line, and reads up to the next prompt.
    fn answer(&mut self, line: &str) -> Result<String, Failed> {
        let input = self.0.stdin.as_mut().ok_or("no input")?;
        input.write_all(line.as_bytes())?;
        input.flush()?;
        self.until_prompt()
    }

    /// Reads up to the next prompt; the time limit of the run ends it too.
    fn until_prompt(&mut self) -> Result<String, Failed> {
        let output = self.0.stdout.as_mut().ok_or("no output")?;
        let mut shown = Vec::new();
        while !shown.ends_with(b"K> ") {
            let mut byte = [0];
            if output.read(&mut byte)? == 0 {
                let shown = String::from_utf8_lossy(&shown);
                return Err(format!("ended without a prompt:\n{shown}").into());
            }
            shown.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&shown).into_owned())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It ends the emulator before itself; if it has ended already, well.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}
