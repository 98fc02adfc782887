//! A program of one's own, as `jostle new` writes it: it builds without a warning, runs, and
//! passes its test, in Rust and in C; and what cannot be is refused in a line.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;

use crate::command_line::status_is;
use crate::scratch::Scratch;
use crate::trial::Trial;

type Case = fn() -> Result<(), Failed>;

pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 6] = [
        ("rust", in_rust),
        ("c", in_c),
        ("a_test_that_fails_opens_the_run", failing_test),
        ("the_shortest_way_to_fail_is_told", shortest),
        ("what_cannot_be_is_refused", refused),
        ("a_folder_without_a_program_is_refused", no_program),
    ];
    cases
        .into_iter()
        .map(|(name, case)| Trial::test(format!("own::{name}"), case))
}

fn jostle(folder: &Path, words: &[&str]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jostle"));
    Ok(command.args(words).current_dir(folder).output()?)
}

fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// It ends well and warns of nothing.
fn is_quiet(output: &Output) -> Result<(), Failed> {
    status_is(0, output)?;
    let said = said(output);
    match said.contains("warning") {
        true => Err(said.into()),
        false => Ok(()),
    }
}

/// Makes a program in a new folder of `above`, runs it as it is then said, and its test by
/// `tester`.
fn works(above: &Path, words: &[&str], name: &str, tester: &mut Command) -> Result<(), Failed> {
    let made = jostle(above, &[&["new"], words].concat())?;
    is_quiet(&made)?;
    let made = String::from_utf8(made.stdout)?;
    let run = made.lines().find_map(|line| line.strip_prefix("run it:  "));
    let run = run.ok_or_else(|| made.clone())?;
    let ran = Command::new("sh")
        .args(["-c", &format!("{run} --machine=sim")])
        .current_dir(above)
        .stdin(Stdio::null())
        .output()?;
    is_quiet(&ran)?;
    let console = String::from_utf8(ran.stdout)?;
    let wanted = format!("\n{name}: 00001001 answers 42\n");
    if !console.contains(&wanted) {
        return Err(console.into());
    }
    let folder = words.last().ok_or("no folder")?;
    is_quiet(&tester.current_dir(above.join(folder)).output()?)
}

fn in_rust() -> Result<(), Failed> {
    let scratch = Scratch::new("own rust")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    // As outside of a test of ours.
    cargo.arg("test").env_remove("CARGO_TARGET_DIR");
    works(
        &scratch.file(""),
        &["my-first", "a/b c"],
        "my-first",
        &mut cargo,
    )
}

fn in_c() -> Result<(), Failed> {
    let scratch = Scratch::new("own c")?;
    let words = ["--c", "my-first", "b $c"];
    let tester = &mut Command::new("make");
    works(&scratch.file(""), &words, "my-first", tester.arg("test"))
}

/// The command that a failing test names leads to the run that failed.
fn failing_test() -> Result<(), Failed> {
    let scratch = Scratch::new("own-failing")?;
    let root = scratch.file("");
    is_quiet(&jostle(&root, &["new", "--c", "first", "f"])?)?;
    let tried = jostle(
        &root,
        &["try", "f/", "--cpus=1", "--prints=42", "--prints=43"],
    )?;
    status_is(1, &tried)?;
    let said = said(&tried);
    if !said.contains("schedule 1 of 100 fails: it does not print \"43\" after \"42\"") {
        return Err(said.into());
    }
    let step = "step through it: ./jostle debug ";
    let file = said.lines().find_map(|line| line.strip_prefix(step));
    let file = file.ok_or_else(|| said.clone())?.trim_matches('\'');
    let mut debugger = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["debug", file])
        .current_dir(&root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = debugger.stdin.take().ok_or("no input")?;
    input.write_all(b"continue\n")?;
    drop(input);
    let again = debugger.wait_with_output()?;
    std::fs::remove_file(root.join(file))?;
    let console = String::from_utf8(again.stdout)?;
    let shown = said
        .lines()
        .skip_while(|line| !line.starts_with("schedule 1 "));
    let shown: Vec<&str> = shown.filter_map(|line| line.strip_prefix("  ")).collect();
    // The debugger says more in between.
    let mut lines = console.lines();
    let missing = shown
        .iter()
        .find(|wanted| !lines.any(|line| line == **wanted));
    match (shown.len() > 5, missing) {
        (true, None) => Ok(()),
        _ => Err(format!("{missing:?} of {shown:#?}\n{console}").into()),
    }
}

/// What one CPU does by itself is the shortest, if that fails; else what has the fewest
/// choices. Either is told in words, the same every time, and opened at its end.
fn shortest() -> Result<(), Failed> {
    let scratch = Scratch::new("own-shortest")?;
    let root = scratch.file("");
    let cases: [(&[&str], &[&str], &str); 2] = [
        (
            &["racycount", "--never-prints=BUG"],
            &[
                "14 of 100 fails: it prints \"BUG\"",
                "the shortest way to fail that was found; by itself the machine does 1 thing",
                "  CPU 0 runs environment 1001 until programs/src/bin/racycount.rs:",
                "  here the timer of CPU 0 interrupts environment 1001",
                "  CPU 0 runs environment 1000 until its ipc_recv, and waits",
                "      prints: racycount: BUG:",
            ],
            "racycount: BUG:",
        ),
        (
            &["pingpong", "--prints=send 1"],
            &[
                "1 of 100 fails: it does not print \"send 1\"",
                "it needs no luck and no second CPU. On one CPU:",
                "      the message 0x9 goes from 1001 to 1000",
                "  CPU 0 runs environment 1001 until its env_destroy, and ends",
            ],
            "No runnable environments in the system!",
        ),
    ];
    for (words, wanted, printed) in cases {
        let words = [&["try", "--cpus=2", "--shortest"], words].concat();
        let tried = jostle(&root, &words)?;
        status_is(1, &tried)?;
        // Before it, cargo may say what it builds.
        let story = |output| Some(said(output).split_once("schedule ")?.1.to_owned());
        let told = story(&tried).ok_or_else(|| said(&tried))?;
        let mut lines = told.lines();
        let missing = wanted
            .iter()
            .find(|wanted| !lines.any(|line| line.starts_with(**wanted)));
        if let Some(missing) = missing {
            return Err(format!("no {missing:?} there in:\n{told}").into());
        }
        if story(&jostle(&root, &words)?) != Some(told.clone()) {
            return Err("another time something else is told".into());
        }
        let end = told.lines().find(|line| line.starts_with("from its end"));
        let opened = end.and_then(|line| line.split_once(" debug "));
        let (_, opened) = opened.ok_or_else(|| told.clone())?;
        let words: Vec<&str> = opened.split(' ').collect();
        let script = ["-x", "output; back 1; where"];
        let output = jostle(&root, &[&["debug"], &words[..], &script].concat())?;
        status_is(0, &output)?;
        if !said(&output).contains(printed) {
            return Err(said(&output).into());
        }
    }
    Ok(())
}

fn refused() -> Result<(), Failed> {
    let scratch = Scratch::new("own-refused")?;
    let root = scratch.file("");
    std::fs::create_dir(scratch.file("full"))?;
    std::fs::write(scratch.file("full/file"), "kept")?;
    let cases: [(&[&str], &str); 7] = [
        (
            &["new", "Name", "d"],
            "\"Name\": a name is lower-case letters",
        ),
        (
            &["new", "kernel", "d"],
            "\"kernel\": the name of something else",
        ),
        (
            &["new", "hello"],
            "\"hello\" exists already: programs/src/bin/hello.rs",
        ),
        (&["new", "first", "full"], "full: the folder is not empty"),
        (&["new", "first", "full/file"], "full/file: Not a directory"),
        (
            &["new", "--c", "first", "full"],
            "full: the folder is not empty",
        ),
        (
            &["new"],
            "the following required arguments were not provided: <NAME>",
        ),
    ];
    for (words, wanted) in cases {
        let output = jostle(&root, words)?;
        status_is(2, &output)?;
        let said = said(&output);
        if said.lines().count() != 1 || !said.starts_with(&format!("jostle: {wanted}")) {
            return Err(format!("{words:?}: {said}").into());
        }
    }
    let left: Vec<_> = std::fs::read_dir(&root)?.flatten().collect();
    match left.len() == 1 && std::fs::read_to_string(scratch.file("full/file"))? == "kept" {
        true => Ok(()),
        false => Err(format!("left: {left:?}").into()),
    }
}

fn no_program() -> Result<(), Failed> {
    let scratch = Scratch::new("own-empty")?;
    let output = jostle(&scratch.file(""), &["run", "./"])?;
    status_is(2, &output)?;
    let said = said(&output);
    match said == "jostle: ./: a folder without a program: it has neither Cargo.toml nor C files\n"
    {
        true => Ok(()),
        false => Err(said.into()),
    }
}
