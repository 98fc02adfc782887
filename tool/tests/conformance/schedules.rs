//! `jostle explore PROGRAM`: each sample bug is found, and no schedule within a bound
//! shows anything of its mended twin.
//!
//! The hard thing is that a search which finds nothing looks like one that does not
//! search. So the twins are searched in the same way as the bugs, and what was covered
//! is part of the claim.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;

use crate::command_line::status_is;
use crate::trial::Trial;

/// A bug: the options that show it, what is said of it, and whether that is a line
/// which its schedule prints again.
const BUGS: [(&str, &[&str], &str, bool); 6] = [
    ("lostwake", &["--hang"], "somebody sleeps for ever", false),
    ("racycount", &[], "it prints: racycount: BUG:", true),
    ("forklock", &[], "it prints: forklock: BUG:", true),
    (
        "ring",
        &["--hang", "--store-buffers"],
        "has not ended",
        false,
    ),
    ("tornread", &[], "it prints: tornread: BUG:", true),
    ("childfirst", &[], "it prints: childfirst: BUG:", true),
];

/// How far the twins are searched.
const BOUND: [&str; 4] = ["--seeds", "300", "--bound", "1"];

pub fn trials() -> impl Iterator<Item = Trial> {
    let bugs = BUGS.into_iter().map(|(name, options, said, prints)| {
        Trial::test(format!("schedules::{name}_fails"), move || {
            fails(name, options, said, prints)
        })
    });
    let twins = BUGS.into_iter().map(|(name, options, _, _)| {
        Trial::test(format!("schedules::{name}fixed_passes"), move || {
            passes(&format!("{name}fixed"), options)
        })
    });
    bugs.chain(twins).chain([
        Trial::test("schedules::ring_needs_store_buffers", || {
            passes("ring", &["--hang"])
        }),
        Trial::test("schedules::a_killed_program_fails", || {
            let output = run("explore", &["divzero", "--save"], Some(&file("divzero")))?;
            status_is(1, &output)?;
            says(&output, "it prints: TRAP frame")
        }),
        Trial::test("schedules::wrong_files_are_status_2", wrong_files),
    ])
}

fn file(name: &str) -> PathBuf {
    let name = format!("jostle-{name}-{}.schedule", std::process::id());
    std::env::temp_dir().join(name)
}

fn run(command: &str, words: &[&str], file: Option<&Path>) -> Result<Output, Failed> {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_jostle"));
    tool.arg(command).args(words).args(file);
    Ok(tool.stdin(Stdio::null()).output()?)
}

fn says(output: &Output, wanted: &str) -> Result<(), Failed> {
    let said = String::from_utf8_lossy(&output.stdout);
    if said.contains(wanted) {
        return Ok(());
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    Err(format!("no {wanted:?} in:\n{said}{complaints}").into())
}

fn fails(name: &str, options: &[&str], said: &str, prints: bool) -> Result<(), Failed> {
    let file = file(name);
    let words = [&[name], options, &["--save"]].concat();
    let output = run("explore", &words, Some(&file))?;
    status_is(1, &output)?;
    says(&output, said)?;
    says(&output, "choices matter")?;
    if !prints {
        // Such a run may have no end.
        return Ok(std::fs::remove_file(&file)?);
    }
    let path = file.to_str().ok_or("a folder's name")?;
    let output = run(
        "debug",
        &[path, "-x", "continue; output; back 1; where"],
        None,
    )?;
    std::fs::remove_file(&file)?;
    status_is(0, &output)?;
    says(&output, &format!("\n{name}: BUG:"))
}

fn passes(name: &str, options: &[&str]) -> Result<(), Failed> {
    let words = [&[name], options, &BOUND].concat();
    let output = run("explore", &words, None)?;
    status_is(0, &output)?;
    says(&output, "random priorities: 300 runs; no failure")?;
    says(&output, "all schedules with at most 1 pre-emptions: ")
}

fn wrong_files() -> Result<(), Failed> {
    let file = file("wrong");
    let path = file.to_str().ok_or("a folder's name")?;
    for text in [
        "",
        "jostle schedule 1\nword hello\n",
        "jostle schedule 1\nword hello\nfile 0\nat one switch 1\n",
        "jostle schedule 1\nword --nonsense\nfile 0\n",
        "jostle schedule 1\nword hello\nfile 0\n",
    ] {
        std::fs::write(&file, text)?;
        let output = run("debug", &[path, "-x", "where"], None)?;
        status_is(2, &output)?;
    }
    std::fs::remove_file(&file)?;
    status_is(2, &run("debug", &[path, "-x", "where"], None)?)
}
