//! What comes in by itself: keys, a mouse, and what a serial line says.
//!
//! No byte that somebody typed is lost, nothing is typed that nobody did, and no
//! device's data stops another's or costs whoever runs more than a part of its
//! time. The hard thing is to prove the last without a clock: what counts is how
//! much the guest has taken of what it was sent.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use jostle::expect::{regex, text};
use jostle::qemu::machine::Input;
use libtest_mimic::Failed;
use shell::PROMPT;

use crate::boot::Boot;
use crate::console::{booted, nothing_left};
use crate::monitor_socket::Operator;
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

type Case = fn() -> Result<(), Failed>;

/// Each is a claim about what comes in.
pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 7] = [
        ("a_mouse_does_not_stop_the_keyboard", mouse),
        ("a_break_is_no_key", serial_break),
        ("what_comes_before_the_kernel_is_kept", early),
        ("a_long_paste_is_survived", paste),
        ("keys_before_the_kernel_do_no_harm", keys_from_the_start),
        ("a_flood_takes_a_part_of_the_time", flood),
        ("a_flood_is_noticed_where_it_takes_all", unbounded_flood),
    ];
    cases
        .into_iter()
        .map(|(name, case)| Trial::test(format!("input::{name}"), case))
}

/// What [`KEYS`] asks with, and how long a guest may take.
const ASKED: &str = "q ends it\n";
const KEYS: &[&str] = &["keys", "--cpus", "1", "--timeout", LIMIT_SECONDS];

fn key(byte: u8) -> String {
    format!("key {byte:02x}")
}

/// The mouse moves before each key. So many keys are more than were pressed
/// before the mouse was on.
fn mouse() -> Result<(), Failed> {
    const KEYS_PRESSED: usize = 12;
    let operator = Operator::new(|monitor| {
        monitor.command("mouse_move 5 5")?;
        monitor.command("sendkey a")?;
        thread::sleep(Duration::from_millis(300));
        Ok(())
    });
    let count = KEYS_PRESSED.to_string();
    let words = [KEYS, &["--with", "type=fs:mouse", &count]].concat();
    let boot = Boot::on(&words, |machine| operator.attach(machine));
    operator.dismiss();
    let boot = boot?;
    let expect = booted(1)
        .in_order([text("the mouse is on")])
        .times(KEYS_PRESSED, text(&key(b'a')));
    boot.judge(&boot.complaints(&expect.in_order(nothing_left())))
}

/// Ctrl-A b is QEMU's word for a break.
fn serial_break() -> Result<(), Failed> {
    let typed: &[u8] = b"ab\x01bc\x01b\x01bdq";
    let boot = Boot::input_on(KEYS, &[(ASKED, typed)], |machine| {
        machine.input = Input::Prompt;
    })?;
    let keys = b"abcd".map(|byte| text(&key(byte)));
    let expect = booted(1).in_order(keys).times(4, regex("key .*"));
    boot.judge(&boot.complaints(&expect.in_order(nothing_left())))
}

/// Typed before anything runs.
fn early() -> Result<(), Failed> {
    let boot = Boot::with_input(KEYS, &[("", b"abcdefghijklmnopq")])?;
    let keys = (b'a'..=b'p').map(|byte| text(&key(byte)));
    let expect = booted(1).in_order(keys).in_order(nothing_left());
    boot.judge(&boot.complaints(&expect))
}

/// More than the kernel keeps, at once, and with no end of a line: what is lost is
/// lost, and the prompt goes on.
fn paste() -> Result<(), Failed> {
    let long = [b'x'; 5000];
    let words = ["--cpus", "2", "--timeout", LIMIT_SECONDS];
    let turns: [(&str, &[u8]); 4] = [
        (PROMPT, &long),
        ("xxxxxxxx", b"\x03"),
        (PROMPT, b"hello\n"),
        (PROMPT, b"\x04"),
    ];
    let boot = Boot::with_input(&words, &turns)?;
    let expect = booted(2).in_order([text("hello, world")]);
    boot.judge(&boot.complaints(&expect.in_order(nothing_left())))
}

/// Keys are pressed while the firmware runs and while the kernel sets itself up.
fn keys_from_the_start() -> Result<(), Failed> {
    let operator = Operator::new(|monitor| {
        for key in ["a", "b", "ret", "q"] {
            monitor.command(&format!("sendkey {key} 1"))?;
        }
        Ok(())
    });
    let boot = Boot::on(KEYS, |machine| operator.attach(machine));
    operator.dismiss();
    let boot = boot?;
    // Some are lost; but no key is taken for another.
    let expect = booted(1)
        .never(regex("key (0[0-9b-f]|[1-57].|6[03-9a-f])"))
        .in_order([text("keys: type, q ends it")]);
    boot.judge(&boot.complaints(&expect.in_order(nothing_left())))
}

/// What the guest may take while `busy` computes for two seconds of its time:
/// twice 11,520 bytes in each, a FIFO in each of 200 quanta, and what the pipe
/// holds for it.
const PART: usize = 60_000;

fn flood() -> Result<(), Failed> {
    let taken = taken_while_busy("")?;
    match taken <= PART {
        true => Ok(()),
        false => Err(format!("took {taken} bytes from who wanted to compute").into()),
    }
}

fn unbounded_flood() -> Result<(), Failed> {
    let taken = taken_while_busy("plant=read-for-ever")?;
    match taken > PART {
        true => Ok(()),
        false => Err(format!("with no bound it took {taken} bytes").into()),
    }
}

/// How many bytes the guest takes while it computes, of as many as it likes.
fn taken_while_busy(append: &str) -> Result<usize, Failed> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args([
            "run",
            "busy",
            "--personality",
            "lab6",
            "--icount",
            "--cpus",
            "1",
        ])
        .args(["--timeout", LIMIT_SECONDS, "--append", append])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let given = Arc::new(AtomicUsize::new(0));
    let counter = given.clone();
    let mut stdin = child.stdin.take().ok_or("no pipe")?;
    // Ends when nobody reads any more.
    let giver = thread::spawn(move || {
        while let Ok(count) = stdin.write(&[b'x'; 512]) {
            counter.fetch_add(count, Relaxed);
        }
    });
    let stdout = child.stdout.take().ok_or("no pipe")?;
    let mut marks = Vec::new();
    let mut console = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if ["busy", "busy no more"].contains(&line.as_str()) {
            marks.push(given.load(Relaxed));
        }
        console.push(line);
    }
    let status = child.wait()?;
    // The thread ends with the pipe.
    let _ = giver.join();
    match marks[..] {
        [start, end] if status.success() => Ok(end - start),
        _ => Err(format!("{status}:\n{}", console.join("\n")).into()),
    }
}
