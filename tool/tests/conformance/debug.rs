//! `jostle debug`: forwards and backwards on the simulated machine, with gdb and with
//! the small debugger.
//!
//! The hard thing is to say what must be seen without saying where a run has its
//! positions: a place is left and come back to, and must be the same.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use jostle::expect::{Expect, regex, text};
use libtest_mimic::Failed;

use crate::command_line::status_is;
use crate::programs::COMMAND_LIMIT_SECONDS;
use crate::scratch::Scratch;
use crate::trial::Trial;

type Case = fn() -> Result<(), Failed>;

/// Each is a claim about `jostle debug`.
pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 11] = [
        ("gdb_goes_back", gdb_goes_back),
        ("gdb_finds_who_wrote", gdb_finds_who_wrote),
        ("gdb_finds_who_read", gdb_finds_who_read),
        ("gdb_sees_every_cpu", gdb_sees_every_cpu),
        ("lines_go_back", lines_go_back),
        ("lines_find_who_wrote", lines_find_who_wrote),
        ("lines_find_who_read", lines_find_who_read),
        ("lines_stop_at_a_crash", lines_stop_at_a_crash),
        ("lines_stop_where_one_runs", lines_stop_where_one_runs),
        ("gdb_stops_at_a_crash", gdb_stops_at_a_crash),
        ("a_wrong_line_is_status_2", wrong_line),
    ];
    cases
        .into_iter()
        .map(|(name, case)| Trial::test(format!("debug::{name}"), case))
}

fn debug(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jostle"));
    let limit = ["--timeout", COMMAND_LIMIT_SECONDS];
    command.arg("debug").args(words).args(limit);
    command.stdin(Stdio::null());
    command
}

fn judge(output: &Output, expect: &Expect) -> Result<(), Failed> {
    status_is(0, output)?;
    let shown = String::from_utf8_lossy(&output.stdout);
    let complaints = expect.complaints(&shown);
    if complaints.is_empty() {
        return Ok(());
    }
    let messages = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}\n---\n{shown}\n---\n{messages}", complaints.join("\n")).into())
}

/// What gdb shows of a script; nothing, where there is no gdb.
fn in_gdb(name: &str, words: &[&str], lines: &[&str], expect: &Expect) -> Result<(), Failed> {
    if which::which("gdb").is_err() {
        eprintln!("debug::{name}: skipped, as gdb is not installed");
        return Ok(());
    }
    let folder = Scratch::new(&format!("debug-{name}"))?;
    let script = folder.file("script");
    std::fs::write(&script, lines.join("\n"))?;
    let mut command = debug(words);
    // Nobody's own settings.
    command
        .arg("--batch")
        .arg(&script)
        .env("HOME", folder.file("."));
    judge(&command.output()?, expect)
}

fn gdb_goes_back() -> Result<(), Failed> {
    let here = "printf \"at %#x, %d\\n\", $eip, $esp";
    let lines = [
        "break hello::main",
        "continue",
        here,
        "stepi",
        "reverse-stepi",
        here,
        "next",
        "reverse-next",
        "delete",
        "continue",
        "reverse-continue",
        "info symbol $eip",
    ];
    let seen = Expect::new()
        .in_order([
            regex(".*0x00800020 in _start \\(\\)"),
            regex("Breakpoint 1, .*hello::main .*"),
            regex("at 0x8[0-9a-f]+, -[0-9]+"),
            regex("at 0x8[0-9a-f]+, -[0-9]+"),
            regex("13\t.*environment.*"),
            regex("12\t.*hello, world.*"),
            text("No more reverse-execution history."),
            text("No more reverse-execution history."),
            regex("_start in section .text.*"),
        ])
        .times(1, text("hello, world"));
    in_gdb("gdb_goes_back", &["hello", "--cpus", "1"], &lines, &seen)
}

/// The value that a word had at the end is the one after the last write.
fn gdb_finds_who_wrote() -> Result<(), Failed> {
    let lines = [
        "break hello::main",
        "continue",
        "delete",
        "set language c",
        "set $place = $esp - 4",
        "watch *(int *) $place",
        "continue",
        "continue",
        "printf \"has %d\\n\", *(int *) $place",
        "reverse-continue",
        "reverse-continue",
        "printf \"had %d\\n\", *(int *) $place",
    ];
    let seen = Expect::new().in_order([
        text("Hardware watchpoint 2: *(int *) $place"),
        text("Hardware watchpoint 2: *(int *) $place"),
        text("Hardware watchpoint 2: *(int *) $place"),
        regex("has -?[0-9]+"),
        text("Hardware watchpoint 2: *(int *) $place"),
        regex("had -?[0-9]+"),
    ]);
    let words = ["hello", "--cpus", "1"];
    in_gdb("gdb_finds_who_wrote", &words, &lines, &seen)
}

/// The word below main's stack pointer is written by a call and read by its return; the
/// code at main is executed, which is not reading.
fn gdb_finds_who_read() -> Result<(), Failed> {
    let lines = [
        "break hello::main",
        "continue",
        "delete",
        "set language c",
        "rwatch -location *(char *) $eip",
        "rwatch -location *(int *) ($esp - 4)",
        "continue",
        "delete 3",
        "awatch -location *(int *) ($esp - 4)",
        "reverse-continue",
        "x/i $eip",
        "reverse-continue",
        "x/i $eip",
        "reverse-continue",
    ];
    let reads = || regex("Hardware read watchpoint 3: -location .*");
    let accesses = || regex("Hardware access \\(read/write\\) watchpoint 4: -location .*");
    let seen = Expect::new()
        .in_order([reads(), reads(), regex("Value = [0-9]+")])
        .in_order([accesses(), accesses(), regex("=> 0x[0-9a-f]+ .*\tret *")])
        .in_order([accesses(), regex("=> 0x[0-9a-f]+ .*\tcall .*")])
        .in_order([text("No more reverse-execution history.")])
        .times(1, regex("Hardware read watchpoint 2: .*"));
    let words = ["hello", "--cpus", "1"];
    in_gdb("gdb_finds_who_read", &words, &lines, &seen)
}

fn gdb_sees_every_cpu() -> Result<(), Failed> {
    let lines = [
        "break yield::main",
        "continue",
        "info threads",
        "monitor env",
        "monitor step",
        "continue",
        "continue",
        "continue",
        "reverse-continue",
    ];
    let seen = Expect::new()
        .times(3, regex("Thread [12] hit Breakpoint 1, .*"))
        .in_order([
            regex(".*Thread 1\\.1 \\(CPU 0.*"),
            regex(".*Thread 1\\.2 \\(CPU 1.*"),
            text("No more reverse-execution history."),
            regex(".*hit Breakpoint 1, .*"),
        ]);
    let words = ["yield", "+", "yield", "--cpus", "2"];
    in_gdb("gdb_sees_every_cpu", &words, &lines, &seen)
}

/// What the small debugger says to these lines on its standard input.
fn with_lines(words: &[&str], lines: &str) -> Result<Output, Failed> {
    let mut command = debug(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().ok_or("no input")?;
    stdin.write_all(lines.as_bytes())?;
    drop(stdin);
    Ok(child.wait_with_output()?)
}

fn lines_go_back() -> Result<(), Failed> {
    let lines = "break hello::main\ncontinue\nstep 100\nback 100\ncontinue\noutput\nrc\n\
        regs\nprint 0x800020 2\nenv\ncpus\nprevious\nnext\nuntil programs/src/bin/hello.rs:12\n";
    let main = regex("  programs/src/bin/hello\\.rs:12: hello::main.*");
    let seen = Expect::new().in_order([
        regex("position [0-9]+: CPU 0, \\[00001000\\] \\(hello\\) at 0x00800020"),
        text("breakpoint"),
        regex("  programs/src/bin/hello\\.rs:12: hello::main.*"),
        main,
        text("hello, world"),
        text("the end of the run"),
        text("hello, world"),
        text("breakpoint"),
        regex("eip 0080[0-9a-f]{4} eflags .*"),
        regex("00800020: [0-9a-f]{8} [0-9a-f]{8}"),
        regex("\\[00001000\\] parent 00000000 Running on CPU 0.* hello"),
        regex("\\* CPU 0.*"),
        text("breakpoint"),
    ]);
    judge(&with_lines(&["hello", "--seed", "3"], lines)?, &seen)
}

fn lines_find_who_wrote() -> Result<(), Failed> {
    let word = below_the_stack()?;
    let lines = format!(
        "break hello::main\ncontinue\ndelete\nwatch {word:#x}\ncontinue\ncontinue\nrc\nrc\n"
    );
    let seen = Expect::new().times(
        4,
        regex(&format!("watch {word:#010x} of \\[00001000\\], 4 bytes")),
    );
    judge(&with_lines(&["hello"], &lines)?, &seen)
}

/// Forwards and backwards at the same position, where the program is whole.
fn lines_stop_at_a_crash() -> Result<(), Failed> {
    let lines = "env\ncontinue\nbreak crash\nbreak env 1000\nrc\nwhere\ndelete 0\nbreak\n";
    let there = regex("position [0-9]+: CPU 0, \\[00001000\\] \\(buggyhello\\) at .*Syscall");
    let seen = Expect::new().in_order([
        there.clone(),
        regex("\\[00001000\\] parent 00000000 Running on CPU 0.* buggyhello"),
        text("the end of the run"),
        text("0 break crash"),
        text("1 break env 00001000"),
        text("[00001000] is about to be ended for what it did"),
        there,
        text("0 break env 00001000"),
    ]);
    judge(&with_lines(&["buggyhello", "--at", "crash"], lines)?, &seen)?;
    let nobody = with_lines(&["hello", "--at", "crash"], "where\n")?;
    judge(&nobody, &Expect::new().in_order([regex(".*CPU 0, off")]))
}

fn lines_stop_where_one_runs() -> Result<(), Failed> {
    let lines = "cpus\nbreak env 00001002\nback 1\nenv\ncontinue\n";
    let seen = Expect::new().in_order([
        regex("\\* CPU [0-9], \\[00001002\\] \\(forktree\\).*"),
        text("0 break env 00001002"),
        regex("\\[00001002\\] parent 00001000 Runnable.*"),
        text("[00001002] runs"),
    ]);
    judge(
        &with_lines(&["forktree", "--at", "env:1002"], lines)?,
        &seen,
    )
}

/// To gdb it is a segmentation fault, and it can go back from there.
fn gdb_stops_at_a_crash() -> Result<(), Failed> {
    let lines = [
        "break-crash",
        "continue",
        "backtrace",
        "reverse-stepi",
        "x/i $eip",
        "continue",
    ];
    let seen = Expect::new().in_order([
        regex(".*SIGSEGV.*"),
        regex("#[0-9]+ .*faultread::main .*"),
        regex("=> 0x8[0-9a-f]+ .*mov .*"),
        regex(".*SIGSEGV.*"),
    ]);
    in_gdb("gdb_stops_at_a_crash", &["faultread"], &lines, &seen)
}

/// As in gdb: the word below main's stack pointer.
fn lines_find_who_read() -> Result<(), Failed> {
    let word = below_the_stack()?;
    let lines = format!(
        "break hello::main\ncontinue\ndelete\nrwatch {word:#x}\ncontinue\ndelete\n\
         awatch {word:#x}\nrc\nrc\ndelete\nrwatch 0x800020\ncontinue\n"
    );
    let of = "0x[0-9a-f]{8} of \\[00001000\\], 4 bytes";
    let seen = Expect::new().in_order([
        regex(&format!("0 rwatch {of}")),
        regex(&format!("rwatch {of}")),
        regex(&format!("0 awatch {of}")),
        regex(&format!("awatch {of}")),
        regex(&format!("awatch {of}")),
        regex(&format!("0 rwatch {of}")),
        text("the end of the run"),
    ]);
    judge(&with_lines(&["hello"], &lines)?, &seen)
}

/// The word below main's stack pointer, which every call writes.
fn below_the_stack() -> Result<u32, Failed> {
    let first = with_lines(&["hello"], "break hello::main\ncontinue\nregs\n")?;
    let shown = String::from_utf8_lossy(&first.stdout).into_owned();
    let esp = shown.split("esp ").nth(1).and_then(|rest| rest.get(..8));
    let esp = u32::from_str_radix(esp.ok_or("no esp")?, 16).map_err(|error| error.to_string())?;
    Ok(esp - 4)
}

fn wrong_line() -> Result<(), Failed> {
    for (lines, says) in [
        ("step\nstp\n", "no command \"stp\""),
        ("break nowhere\n", "no program has a place \"nowhere\""),
        ("delete 7\n", "no stop 7"),
        ("set 0x10 1\n", "nothing is mapped"),
        ("cpu 7\n", "no CPU 7"),
    ] {
        let output = with_lines(&["hello"], lines)?;
        status_is(2, &output)?;
        let messages = String::from_utf8_lossy(&output.stderr);
        // cargo may have had to wait.
        let ours = messages.lines().filter(|line| line.starts_with("jostle: "));
        if ours.count() != 1 || !messages.contains(says) {
            return Err(format!("{lines}: {messages}").into());
        }
    }
    Ok(())
}
