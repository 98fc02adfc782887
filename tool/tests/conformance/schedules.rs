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
        "somebody sleeps for ever",
        false,
    ),
    ("tornread", &[], "it prints: tornread: BUG:", true),
    ("childfirst", &[], "it prints: childfirst: BUG:", true),
];

/// How far the twins are searched.
const BOUND: [&str; 4] = ["--seeds", "300", "--bound", "2"];

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
            let file = File::new("divzero");
            let output = run("explore", &["divzero", "--save"], Some(&file.0))?;
            status_is(1, &output)?;
            says(&output, "it prints: TRAP frame")
        }),
        Trial::test("schedules::what_was_covered_is_said", what_was_covered),
        Trial::test("schedules::wrong_requests_are_status_2", wrong_requests),
        Trial::test("schedules::wrong_files_are_status_2", wrong_files),
    ])
}

/// A schedule's file, which lasts as long as its test.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> File {
        let name = format!("jostle-{name}-{}.schedule", std::process::id());
        File(std::env::temp_dir().join(name))
    }

    fn path(&self) -> Result<&str, Failed> {
        Ok(self.0.to_str().ok_or("a folder's name")?)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // There may be none: some tests want that.
        let _ = std::fs::remove_file(&self.0);
    }
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
    let file = File::new(name);
    let words = [&[name], options, &["--save"]].concat();
    let output = run("explore", &words, Some(&file.0))?;
    status_is(1, &output)?;
    says(&output, said)?;
    says(&output, " did not:\n")?;
    if !prints {
        // Such a run may have no end.
        return Ok(());
    }
    let script = "continue; output; back 1; where";
    let output = run("debug", &[file.path()?, "-x", script], None)?;
    status_is(0, &output)?;
    says(&output, &format!("\n{name}: BUG:"))
}

fn passes(name: &str, options: &[&str]) -> Result<(), Failed> {
    let words = [&[name], options, &BOUND].concat();
    let output = run("explore", &words, None)?;
    status_is(0, &output)?;
    says(&output, "random priorities: 300 runs; no failure")?;
    says(&output, "\nall schedules with at most 2 pre-emptions: ")
}

fn wrong_files() -> Result<(), Failed> {
    let file = File::new("wrong");
    let path = file.path()?;
    for text in [
        "",
        "jostle schedule 1\nword hello\nfile 0\n",
        "jostle schedule 2\nword hello\n",
        "jostle schedule 2\nword hello\nfile 0\nat one switch 1\n",
        "jostle schedule 2\nword --nonsense\nfile 0\n",
        "jostle schedule 2\nword hello\nfile 0\n",
    ] {
        std::fs::write(path, text)?;
        let output = run("debug", &[path, "-x", "where"], None)?;
        status_is(2, &output)?;
    }
    std::fs::remove_file(path)?;
    status_is(2, &run("debug", &[path, "-x", "where"], None)?)
}

/// A search that is stopped says so, and what it had covered by then.
fn what_was_covered() -> Result<(), Failed> {
    let output = run("explore", &["racycountfixed", "--states", "100"], None)?;
    status_is(0, &output)?;
    says(
        &output,
        "at most 0 pre-emptions, then there were too many states (--states): ",
    )?;
    let output = run("explore", &["primes", "--timeout", "1"], None)?;
    status_is(0, &output)?;
    says(&output, ", then the time was over; no failure")
}

/// They are refused before the search, and leave nothing behind.
fn wrong_requests() -> Result<(), Failed> {
    let file = File::new("refused");
    let path = file.path()?;
    let wrong_name = &format!("{path}.txt");
    for words in [
        &["racycount", "--save", wrong_name][..],
        &["racycount", "--save", "/nonexistent/x.schedule"],
        &["racycount", "--disk", "/dev/null", "--save", path],
        &["racycount", "--pace", "hostile", "--save", path],
        &["racycount", "--verbose", "--save", path],
        &["racycount", "--fail", "(", "--save", path],
        &["--kernel", "--hang"],
        &["nosuchprogram", "--save", path],
    ] {
        let output = run("explore", words, None)?;
        status_is(2, &output)?;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        let left = [path, wrong_name]
            .iter()
            .any(|path| Path::new(path).exists());
        if left || complaint.trim_end().lines().count() != 1 {
            return Err(format!("{words:?}: {complaint}").into());
        }
    }
    Ok(())
}
