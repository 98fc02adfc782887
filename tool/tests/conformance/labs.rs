//! The course in a box: folders are made, checked and solved with the tree's own solution.
//!
//! The hard thing is to show that each exercise is tested by itself. So beside folders where
//! nothing is done or everything, there is one for each exercise in which only that one is
//! not; and [`wrong`] has folders with mistakes that a student could make.

mod wrong;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use jostle::labs::language::Language;
use jostle::labs::{self, Lab, folder};
use jostle::workspace::Workspace;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::command_line::status_is;
use crate::scratch::Scratch;
use crate::trial::Trial;

/// A case for each lab and for each exercise, and two for all.
pub fn trials() -> impl Iterator<Item = Trial> {
    let labs = labs::all(&Workspace::locate()).expect("the labs");
    let each = labs.into_iter().flat_map(|lab| {
        let (name, language) = (lab.name.clone(), lab.language);
        let shown = match language {
            Language::Rust => name.clone(),
            Language::C => format!("{name}_in_c"),
        };
        let whole = Trial::test(format!("labs::{shown}"), move || {
            from_none_to_all(&name, language)
        });
        let holes = lab.exercises.iter().map(|exercise| {
            let (lab, name) = (lab.name.clone(), exercise.name.clone());
            Trial::test(format!("labs::{shown}::{name}"), move || {
                one_hole(&lab, language, &name)
            })
        });
        std::iter::once(whole).chain(holes).collect::<Vec<_>>()
    });
    let others = [
        Trial::test("labs::refused", refused),
        Trial::test("labs::graded", graded),
        Trial::test("labs::graded_in_c", graded_in_c),
        Trial::test("labs::what_fails_only_in_qemu", only_in_qemu),
        Trial::test("labs::without_a_compiler_nobody_fails", no_compiler),
    ];
    each.chain(others).chain(wrong::trials())
}

fn jostle(words: &[&str]) -> Result<Output, Failed> {
    tool(&[&["lab"], words].concat())
}

fn tool(words: &[&str]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jostle"));
    Ok(command.args(words).output()?)
}

/// A folder of this lab, and the files in it with holes.
fn begin(
    scratch: &Scratch,
    lab: &str,
    language: Language,
) -> Result<(String, Vec<String>), Failed> {
    let path = scratch.path(lab)?;
    let words = ["new", lab, &path, "--c"];
    let count = match language {
        Language::Rust => 3,
        Language::C => 4,
    };
    status_is(0, &jostle(&words[..count])?)?;
    let page = fs::read_to_string(Path::new(&path).join("LAB.md"))?;
    let files = page.lines().filter_map(|line| {
        let file = line.strip_prefix("- `")?.strip_suffix('`')?;
        Some(file.to_owned())
    });
    Ok((path, files.collect()))
}

/// The tree's own solution, as far as a student would have written it.
fn solve(path: &str, files: &[String]) -> Result<(), Failed> {
    let root = Workspace::locate();
    for file in files {
        let text = fs::read_to_string(root.root().join(file))?;
        fs::write(Path::new(path).join(file), without_short_ways(&text))?;
    }
    Ok(())
}

/// What is left where the ways are left out that no student writes.
fn without_short_ways(text: &str) -> String {
    let mut left_out = false;
    let mut keep = |line: &str| {
        let mark = line.trim_start().strip_prefix("// lab: ");
        left_out |= mark.is_some_and(|mark| mark.ends_with(", without {"));
        let kept = !left_out;
        left_out &= !mark.is_some_and(|mark| mark.ends_with(" }"));
        kept
    };
    text.split_inclusive('\n')
        .filter(|line| keep(line.trim_end()))
        .collect()
}

/// The points of each exercise, and the whole result.
fn checked(words: &[&str], status: i32) -> Result<(Vec<u64>, Value), Failed> {
    let output = jostle(&[&["check", "--json"], words].concat())?;
    status_is(status, &output)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("warning") {
        return Err(said.into_owned().into());
    }
    let value: Value = serde_json::from_slice(&output.stdout)?;
    let tests = value["tests"].as_array().ok_or("no tests")?;
    let points = tests.iter().filter_map(|test| test["score"].as_u64());
    Ok((points.collect(), value))
}

fn lab_named(name: &str, language: Language) -> Result<Lab, Failed> {
    labs::find(&Workspace::locate(), name, language).map_err(|error| error.to_string().into())
}

/// Nothing is done, and there are no points; then everything, and there are all.
fn from_none_to_all(name: &str, language: Language) -> Result<(), Failed> {
    let scratch = Scratch::new(&format!("lab-{name}-{language:?}"))?;
    let (path, files) = begin(&scratch, name, language)?;
    let lab = lab_named(name, language)?;
    let (points, said) = checked(&[&path], 1)?;
    if points != vec![0; lab.exercises.len()] {
        return Err(format!("points for holes: {said:#}").into());
    }
    let shown = jostle(&["check", &path])?.stdout;
    let shown = String::from_utf8(shown)?;
    // Of each the points, what fails, and that nothing is written; and the sum.
    if shown.lines().count() != 3 * lab.exercises.len() + 1 {
        return Err(format!("holes are told of at length:\n{shown}").into());
    }
    solve(&path, &files)?;
    let (points, said) = checked(&[&path], 0)?;
    let all: Vec<u64> = lab
        .exercises
        .iter()
        .map(|known| known.points.into())
        .collect();
    match points == all && said["score"] == lab.points() {
        true => Ok(()),
        false => Err(format!("no full marks: {said:#}").into()),
    }
}

/// Everything is done but one exercise, which fails, and says why.
fn one_hole(lab: &str, language: Language, name: &str) -> Result<(), Failed> {
    let scratch = Scratch::new(&format!("lab-{lab}-{name}-{language:?}"))?;
    let (path, files) = begin(&scratch, lab, language)?;
    solve(&path, &files)?;
    let lab = lab_named(lab, language)?;
    let exercise = lab.exercise(name).map_err(|error| error.to_string())?;
    let (tree, taken) =
        folder::with_holes(&Workspace::locate(), &[exercise]).map_err(|error| error.to_string())?;
    for file in taken {
        fs::write(Path::new(&path).join(&file), &tree[&file])?;
    }
    let (points, said) = checked(&[&path, name], 1)?;
    let output = said["tests"][0]["output"].as_str().unwrap_or_default();
    match points == [0] && !output.is_empty() && !output.contains("could not be built") {
        true => Ok(()),
        false => Err(format!("{said:#}").into()),
    }
}

/// One line, status 2, and nothing has been made.
fn refused() -> Result<(), Failed> {
    let scratch = Scratch::new("lab-refused")?;
    let file = |name: &str| scratch.path(name);
    fs::create_dir(scratch.file("full"))?;
    fs::write(scratch.file("full/lab.toml"), "lab = a\n")?;
    fs::create_dir(scratch.file("other"))?;
    fs::write(scratch.file("other/lab.toml"), "lab = \"z\"\n")?;
    fs::create_dir(scratch.file("bare"))?;
    fs::write(scratch.file("bare/lab.toml"), "lab = \"a\"\n")?;
    fs::create_dir(scratch.file("pascal"))?;
    let pascal = "lab = \"b\"\nlanguage = \"pascal\"\n";
    fs::write(scratch.file("pascal/lab.toml"), pascal)?;
    let (full, other, bare) = (file("full")?, file("other")?, file("bare")?);
    let pascal = file("pascal")?;
    let inside = Workspace::locate().root().join("labs/inside");
    let inside = inside.to_str().ok_or("not text")?;
    let fresh = file("fresh")?;
    let cases: [(&[&str], &str); 12] = [
        (
            &["new", "a", &fresh, "--c"],
            "lab a is not there in C: it is about the kernel",
        ),
        (&["new", "core", &fresh, "--c"], "in C there are b, c"),
        (
            &["new", "z", &fresh, "--c"],
            "there is no lab \"z\", but b, c",
        ),
        (
            &["check", &pascal],
            "of a lab in \"pascal\", which this tree has not",
        ),
        (&["new", "z", &fresh], "there is no lab \"z\", but a, b, c"),
        (&["new", "a", &full], "the folder is not empty"),
        (&["new", "a", inside], "in the tree itself"),
        (&["check", &fresh], "not the folder of a lab: no lab.toml"),
        (&["check", &full], "damaged: no line lab = \"...\""),
        (&["check", &other], "of lab \"z\", which this tree has not"),
        (&["check", &bare], "kcore/src/sched/ending.rs: No such file"),
        (&["check", &bare, "fork"], "lab a has no exercise \"fork\""),
    ];
    for (words, wanted) in cases {
        let output = jostle(words)?;
        status_is(2, &output)?;
        let said = String::from_utf8(output.stderr)?;
        if said.lines().count() != 1 || !said.contains(wanted) {
            return Err(format!("{words:?}: {said}").into());
        }
    }
    match scratch.file("fresh").exists() {
        false => Ok(()),
        true => Err("something was made".into()),
    }
}

/// `grade` knows such a folder, and says the same of it; QEMU too.
fn graded() -> Result<(), Failed> {
    let scratch = Scratch::new("lab-graded")?;
    let (path, files) = begin(&scratch, "c", Language::Rust)?;
    solve(&path, &files)?;
    let checked = jostle(&["check", &path, "ipc_send", "--json"])?;
    let graded = tool(&["grade", &path, "ipc_send", "--json", "--qemu"])?;
    status_is(0, &checked)?;
    status_is(0, &graded)?;
    if checked.stdout != graded.stdout {
        return Err(String::from_utf8(graded.stdout)?.into());
    }
    let course = scratch.path("course")?;
    fs::create_dir(&course)?;
    let cases: [(&[&str], &str); 3] = [
        (&[&path, "--edition=2014"], "no --edition for it"),
        (&[&path, "fork"], "lab c has no exercise \"fork\""),
        (&[&course, "--json"], "not the folder of a lab: no --json"),
    ];
    for (words, wanted) in cases {
        let output = tool(&[&["grade"], words].concat())?;
        status_is(2, &output)?;
        let said = String::from_utf8(output.stderr)?;
        if said.lines().count() != 1 || !said.contains(wanted) {
            return Err(format!("{words:?}: {said}").into());
        }
    }
    Ok(())
}

/// `grade` says of a folder in C what `lab check` says.
fn graded_in_c() -> Result<(), Failed> {
    let scratch = Scratch::new("lab-graded-in-c")?;
    let (path, files) = begin(&scratch, "b", Language::C)?;
    solve(&path, &files)?;
    let checked = jostle(&["check", &path, "upcall", "--json"])?;
    let graded = tool(&["grade", &path, "upcall", "--json", "--qemu"])?;
    status_is(0, &checked)?;
    status_is(0, &graded)?;
    let value: Value = serde_json::from_slice(&graded.stdout)?;
    match checked.stdout == graded.stdout && value["score"] == 10 {
        true => Ok(()),
        false => Err(String::from_utf8(graded.stdout)?.into()),
    }
}

/// With `--qemu` a program must do its work there too, and what it printed there is shown.
fn only_in_qemu() -> Result<(), Failed> {
    let scratch = Scratch::new("lab-only-in-qemu")?;
    let (path, files) = begin(&scratch, "b", Language::C)?;
    solve(&path, &files)?;
    let file = Path::new(&path).join("c/lib/fault.c");
    let right = fs::read_to_string(&file)?;
    // Processors of virtual machines say that they are; the simulated one says nothing.
    let wrong = right.replace(
        "int error = enable_faults();\n",
        "int error = enable_faults();\n\
         \tunsigned int a = 1, b, c = 0, d;\n\
         \tasm volatile(\"cpuid\" : \"+a\"(a), \"=b\"(b), \"+c\"(c), \"=d\"(d));\n\
         \tif (c >> 31)\n\t\treturn -E_INVAL;\n",
    );
    fs::write(&file, wrong)?;
    status_is(0, &jostle(&["check", &path, "upcall"])?)?;
    let output = jostle(&["check", &path, "upcall", "--qemu"])?;
    status_is(1, &output)?;
    let said = String::from_utf8(output.stdout)?;
    let wanted = "  faultalloc in QEMU: an environment is killed";
    match said.contains(wanted) && said.contains("    [00000000] new env 00001000") {
        true => Ok(()),
        false => Err(said.into()),
    }
}

/// Where C cannot be compiled, no points are lost: nothing is tested.
fn no_compiler() -> Result<(), Failed> {
    let scratch = Scratch::new("lab-no-compiler")?;
    let (path, _) = begin(&scratch, "c", Language::C)?;
    fs::create_dir(scratch.file("bin"))?;
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["lab", "check", &path, "--json"])
        .env("PATH", scratch.file("bin"))
        .output()?;
    status_is(2, &output)?;
    let said = String::from_utf8(output.stderr)?;
    match output.stdout.is_empty() && said.contains("a C compiler for 32-bit x86 is needed") {
        true => Ok(()),
        false => Err(said.into()),
    }
}
