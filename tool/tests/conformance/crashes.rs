//! What `run` says of programs that were ended, and of those that wait for ever.
//!
//! The hard thing is that both machines must say the same, of which one is gone when the
//! question comes up.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;

use crate::boot::{folder, host};
use crate::command_line::status_is;
use crate::programs::COMMAND_LIMIT_SECONDS;
use crate::trial::Trial;

/// A named program was ended for what it did.
const ENDED: i32 = 3;

/// A way to crash, the status of the run, and what must be said, in this order.
type Case = (&'static str, i32, &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "null",
        ENDED,
        &[
            "crashes [00001000] was ended by a page fault",
            "read from 0x00000000: a null pointer",
            "programs/src/bin/crashes.rs:",
            "crashes::null",
            "directory entry 0 is empty",
            "./jostle debug crashes null --mem 128 --at crash   # backwards too",
        ],
    ),
    ("field", ENDED, &["an offset of 12 bytes"]),
    (
        "call",
        ENDED,
        &[
            "jumped to 0x00000000",
            "crashes::call",
            "user::start::begin",
        ],
    ),
    ("wild", ENDED, &["0x12345678: nothing is mapped there"]),
    (
        "recurse",
        ENDED,
        &[
            "4 bytes below the lowest page of its stack",
            "times or more",
        ],
    ),
    (
        "table",
        ENDED,
        &["public tables, which programs may only read"],
    ),
    (
        "cow",
        ENDED,
        &[
            "no page-fault handler that would",
            "marked for copy-on-write",
            "page_ranges",
            "env_set_pgfault_upcall 0 0",
        ],
    ),
    (
        "nostack",
        ENDED,
        &["touched 0x12345678", "there is no exception stack"],
    ),
    (
        "handler",
        ENDED,
        &["handler is at 0x12345678, where no code is"],
    ),
    ("kernel", ENDED, &["the kernel's memory"]),
    ("port", ENDED, &["exception 13", "executed port I/O"]),
    (
        "panic",
        ENDED,
        &[
            "was ended by a panic",
            "programs/src/bin/crashes.rs:",
            "index out of bounds: the len is 3 but the index is 7",
            "crashes::panic",
        ],
    ),
    // Whoever was named goes on.
    (
        "child",
        0,
        &[
            "crashes [00001001] was ended by a page fault",
            "crashes::child",
        ],
    ),
    (
        "deadlock",
        0,
        &[
            "2 environments that nobody woke",
            "[00001000] crashes waits for a message from [00001001], at programs/src/bin/crashes.rs:",
            "[00001001] crashes waits for a message from [00001000]",
            "[00001000], [00001001] wait for each other in a circle",
        ],
    ),
];

/// A case for each way and machine, and some for what is not explained.
pub fn trials() -> impl Iterator<Item = Trial> {
    let both = ["sim", "qemu"];
    let cases = CASES.iter().flat_map(move |case| {
        both.map(|machine| {
            let name = format!("crashes::{}_{machine}", case.0);
            Trial::test(name, move || explained(case, machine))
        })
    });
    cases.chain([
        Trial::test("crashes::none_is_explained", none_is_explained),
        Trial::test("crashes::several_programs", several_programs),
        Trial::test(
            "crashes::shown_commands_stand_there",
            shown_commands_stand_there,
        ),
        Trial::test("crashes::at_the_prompt", at_the_prompt),
        Trial::test("crashes::commands_begin_as_typed", commands_begin_as_typed),
        Trial::test("crashes::servers_may_wait", servers_may_wait),
        Trial::test("crashes::a_kernel_that_panics", a_kernel_that_panics),
    ])
}

fn run(words: &[&str], input: &str) -> Result<Output, Failed> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .arg("run")
        .args(words)
        .args(["--timeout", COMMAND_LIMIT_SECONDS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    Ok(child.wait_with_output()?)
}

/// Everything that is wanted is said, in this order.
fn says(output: &Output, wanted: &[&str]) -> Result<(), Failed> {
    let said = String::from_utf8_lossy(&output.stderr);
    let mut rest = &said[..];
    for wanted in wanted {
        let Some((_, after)) = rest.split_once(wanted) else {
            return Err(format!("{wanted:?} is missing (in this order) in:\n{said}").into());
        };
        rest = after;
    }
    Ok(())
}

fn explained((way, status, wanted): &Case, machine: &str) -> Result<(), Failed> {
    let output = run(&["crashes", way, "--machine", machine], "")?;
    status_is(*status, &output)?;
    says(&output, wanted)
}

/// Not if nobody wants it, not for graders, and not of programs that end themselves.
fn none_is_explained() -> Result<(), Failed> {
    for words in [
        &["crashes", "null", "--explain", "off", "--machine", "sim"][..],
        &["faultread", "--append", "grading end=poweroff"],
        &["crashes", "--machine", "sim"],
        &["forktree", "--machine", "sim"],
    ] {
        let output = run(words, "")?;
        status_is(0, &output)?;
        says_nothing(&output)?;
    }
    Ok(())
}

/// The tool itself; cargo may have something to say.
fn says_nothing(output: &Output) -> Result<(), Failed> {
    let said = String::from_utf8_lossy(&output.stderr);
    match said.contains("jostle: ") {
        true => Err(said.into_owned().into()),
        false => Ok(()),
    }
}

/// Each is told by its own name and with its own functions.
fn several_programs() -> Result<(), Failed> {
    let words = [
        "hello",
        "+",
        "divzero",
        "+",
        "faultread",
        "--machine",
        "sim",
    ];
    let output = run(&words, "")?;
    status_is(ENDED, &output)?;
    let said = String::from_utf8_lossy(&output.stderr);
    for wanted in [
        "divzero [00001001] was ended by exception 0",
        "divzero::main",
        "faultread [00001002] was ended by a page fault",
        "faultread::main",
    ] {
        if !said.contains(wanted) {
            return Err(format!("{wanted:?} is missing in:\n{said}").into());
        }
    }
    Ok(())
}

/// Each command that is shown is typed into a shell, and leads to its own program.
fn shown_commands_stand_there() -> Result<(), Failed> {
    let words = ["args", "a b", "it's", "+", "divzero", "+", "faultread"];
    let machine = ["--machine", "sim", "--seed", "7", "--cpus", "2"];
    let output = run(&[&words[..], &machine].concat(), "")?;
    status_is(ENDED, &output)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let dead = said.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("jostle: ")?.split_once(" [")?;
        line.contains("was ended").then_some(name)
    });
    let shown = said.lines().filter_map(|line| line.split_once("./jostle "));
    let pairs: Vec<(&str, &str)> = dead.zip(shown.map(|(_, command)| command)).collect();
    if pairs.len() != 2 {
        return Err(format!("not two commands:\n{said}").into());
    }
    for (name, command) in pairs {
        let place = format!("{name}::main");
        let (command, _) = command.split_once('#').ok_or("no remark")?;
        let tool = env!("CARGO_BIN_EXE_jostle");
        let script = format!("'{tool}' {command} -x where");
        let output = Command::new("sh").args(["-c", &script]).output()?;
        let stands = String::from_utf8_lossy(&output.stdout);
        if !stands.contains(&place) {
            return Err(format!("{command} stands at:\n{stands}").into());
        }
    }
    Ok(())
}

/// There it is said at once, and the run goes on.
fn at_the_prompt() -> Result<(), Failed> {
    let output = run(&["--machine", "sim"], "crashes null\nhello\nexit\n")?;
    status_is(0, &output)?;
    says(
        &output,
        &[
            "crashes [00001001] was ended by a page fault",
            "crashes::null",
            "./jostle run crashes null",
        ],
    )
}

/// A command that is shown begins as this one did: it can be typed in the same folder.
fn commands_begin_as_typed() -> Result<(), Failed> {
    let elsewhere = folder("commands_begin_as_typed")?;
    let script = host()?.workspace.script();
    let output = Command::new(&script)
        .args(["run", "crashes", "null", "--machine", "sim"])
        .current_dir(&elsewhere)
        .stdin(Stdio::null())
        .output()?;
    status_is(ENDED, &output)?;
    let shown = format!("look:   {} debug crashes null", script.display());
    says(&output, &[&shown])
}

/// What was kept of the run is told, and how to keep what was not.
fn a_kernel_that_panics() -> Result<(), Failed> {
    let trace = folder("a_kernel_that_panics")?.join("run.trace");
    let trace = trace.to_str().ok_or("a path that is no text")?;
    let words = ["primes", "--append", "plant=panic-now", "--trace", trace];
    let output = run(&words, "")?;
    status_is(101, &output)?;
    let wanted = [
        "the kernel panicked",
        "the last steps of CPU 0",
        "cpu 0  [",
        "./jostle run primes --append plant=panic-now --record run.log",
    ];
    says(&output, &wanted)
}

/// A server that waits for requests is no deadlock.
fn servers_may_wait() -> Result<(), Failed> {
    let disk = folder("servers_may_wait")?.join("disk.img");
    std::fs::write(&disk, vec![0; 1 << 20])?;
    let disk = disk.to_str().ok_or("a path that is no text")?;
    let words = ["--with", "type=fs:diskserver", "--disk", disk];
    let output = run(
        &[&["diskclient", "--machine", "sim"], &words[..]].concat(),
        "",
    )?;
    status_is(0, &output)?;
    says_nothing(&output)
}
