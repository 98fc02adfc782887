//! The lines that the tool adds to backtraces: that they are there, and right.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use jostle::expect::{Expect, regex};
use jostle::qemu::verdict::Verdict;
use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use crate::boot::Boot;
use crate::programs::{COMMAND_LIMIT_SECONDS, LIMIT_SECONDS};
use crate::trial::Trial;

/// A line of the guest's.
const CALL: &str = "  ebp [0-9a-f]{8}  eip [0-9a-f]{8}  args( [0-9a-f]{8}){5}";

/// One for each way to a backtrace.
pub fn trials() -> impl Iterator<Item = Trial> {
    [
        Trial::test("backtraces::of_a_panic", panic),
        Trial::test("backtraces::typed_in_the_monitor", monitor),
    ]
    .into_iter()
}

/// The panic says itself where it is: that line must be in the backtrace.
fn panic() -> Result<(), Failed> {
    let boot = Boot::new(&[
        // Long enough to let in the last CPU, which must panic.
        "primes",
        "--append",
        "plant=panic-now",
        "--timeout",
        LIMIT_SECONDS,
    ])?;
    let console = boot.console();
    let place = console
        .lines()
        .find_map(|line| {
            line.strip_prefix("kernel panic on CPU ")?
                .split_once(" at ")
        })
        .and_then(|(_, rest)| rest.strip_suffix(": planted panic"))
        .ok_or_else(|| boot.failure(&["no panic was planted".to_owned()]))?;
    let expect = Expect::new().in_order([
        regex("Stack backtrace:"),
        regex(CALL),
        regex(r"         library/core/src/panicking\.rs:[0-9]+: core::panicking::.*"),
        regex(CALL),
        regex(&format!(
            r"         {}: kernel::trap::.*",
            regex_lite::escape(place)
        )),
    ]);
    let mut complaints = expect.complaints(&console);
    if *boot.verdict() != Verdict::Panic {
        complaints.push(format!("ended with {:?}", boot.verdict()));
    }
    boot.judge(&complaints)
}

/// Of an environment that is stopped, and of the kernel when nothing is left.
fn monitor() -> Result<(), Failed> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["run", "breakpoint", "--append", "grading"])
        .args(["--timeout", COMMAND_LIMIT_SECONDS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut keyboard = child.stdin.take().ok_or("no input")?;
    let mut screen = child.stdout.take().ok_or("no output")?;
    let mut console = up_to_prompt(&mut screen)?;
    for command in ["backtrace\n", "c\n", "backtrace\n"] {
        keyboard.write_all(command.as_bytes())?;
        console += &up_to_prompt(&mut screen)?;
    }
    kill_process(Pid::from_child(&child), Signal::TERM)?;
    child.wait()?;
    let in_begin = r"         user/src/start\.rs:[0-9]+: user::start::begin\+[0-9]+";
    let expect = Expect::new()
        .in_order([
            regex("At eip 008[0-9a-f]{5}"),
            regex(in_begin),
            regex("Stack backtrace:"),
            regex("  ebp eebfd[0-9a-f]{3}  eip 008.*"),
            // Assembly has no lines.
            regex(r"         _start\+[0-9]+"),
        ])
        .in_order([
            regex("Destroyed the only environment.*"),
            regex("Stack backtrace:"),
            regex(CALL),
            regex(r"         monitor/src/lib\.rs:[0-9]+: monitor::.*"),
            regex(CALL),
        ]);
    let complaints = expect.complaints(&console);
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(format!("{}\n{console}", complaints.join("\n")).into())
    }
}

/// Everything until the guest asks for a command.
fn up_to_prompt(screen: &mut impl Read) -> Result<String, Failed> {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"K> ") {
        if screen.read(&mut byte)? == 0 {
            let seen = String::from_utf8_lossy(&seen);
            return Err(format!("no prompt; the console ends with:\n{seen}").into());
        }
        seen.extend(byte);
    }
    Ok(String::from_utf8_lossy(&seen).into_owned())
}
