//! `jostle grade`, with a small course of our own.
//!
//! It has the shape of the real one: a makefile that embeds a program and starts
//! QEMU, and a grader in Python that talks to QEMU's debugging port. What it
//! lacks is a kernel and, but for one case, a compiler: its programs are ours.

mod course;
mod ends;

use libtest_mimic::Failed;

use self::course::{Course, GRADED_IN_PYTHON_2, Graded};

use crate::trial::Trial;

type Case = fn() -> Result<(), Failed>;

/// Each is a claim about the command.
pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 8] = [
        ("each_test_gets_its_cpus", all_tests),
        ("some_tests_on_another_machine", other_cpus),
        ("a_server_and_a_disk", disk),
        ("a_grader_in_python_2", python_2),
        ("a_compiled_course", compiled),
        ("what_is_missing_is_named", missing),
        ("a_signal_leaves_nothing_behind", ends::signal),
        ("being_killed_leaves_no_process_behind", ends::killed),
    ];
    cases
        .into_iter()
        .map(|(name, case)| Trial::test(format!("grade::{name}"), case))
}

/// Those that our small course boots.
const PROGRAMS: [&str; 5] = ["hello", "divzero", "spin", "stresssched", "yield"];

/// The grader asks for 1, 2 and 4 CPUs, and the folder stays as it was.
fn all_tests() -> Result<(), Failed> {
    let course = Course::with("all", &PROGRAMS)?;
    let before = course.contents()?;
    let graded = course.grade(&[])?;
    graded.status(0)?;
    for program in PROGRAMS {
        graded.says(&format!("\n{program}: OK\n"))?;
    }
    graded.says("\nScore: 25/25\n")?;
    if course.contents()? != before {
        return Err("the folder has changed".into());
    }
    Ok(())
}

/// Two of the tests look at how many CPUs there are. The grader's status is
/// ours, and what it saved of a failed test can be had.
fn other_cpus() -> Result<(), Failed> {
    let course = Course::with("cpus", &PROGRAMS)?;
    for (cpus, passed, failed) in [
        (1, "divzero", "spin"),
        (2, "spin", "stresssched"),
        (4, "stresssched", "spin"),
    ] {
        let kept = course.beside(&format!("kept-{cpus}"))?;
        let count = cpus.to_string();
        let kept_word = kept.to_str().ok_or("not text")?;
        let words = [passed, failed, "--cpus", &count, "--keep", kept_word, "-v"];
        let graded = course.grade(&words)?;
        graded.status(1)?;
        graded.says(&format!("\n{passed}: OK\n"))?;
        graded.says(&format!("\n{failed}: FAIL missing"))?;
        graded.says("\nScore: 5/10\n")?;
        let saved = std::fs::read_to_string(kept.join(format!("out.{failed}")))?;
        let found = format!("SMP: CPU 0 found {cpus} CPU(s)");
        if !saved.contains(&found) || !saved.contains(" -smp ") {
            return Err(format!("not what was to be kept:\n{saved}").into());
        }
    }
    Ok(())
}

/// The server comes first, and has the second disk. What it writes would be lost.
fn disk() -> Result<(), Failed> {
    let course = Course::with("disk", &["diskclient"])?;
    course.add_program("fs/fs", "diskserver")?;
    course.write("disk.img", &vec![7; 64 * 4096])?;
    let graded = course.grade(&["--lab", "5"])?;
    graded.status(0)?;
    graded.says("\ndiskclient: OK\n")
}

/// Converted where there is no Python 2, and by one where there is.
fn python_2() -> Result<(), Failed> {
    let course = Course::with("old", &PROGRAMS)?;
    course.overlay(GRADED_IN_PYTHON_2)?;
    let claims = |graded: &Graded| {
        graded.status(0)?;
        graded.says("\nhello: OK\nspin: OK\n\nScore: 10/10\n")
    };
    let converted = course.grade_without(&["python2", "python2.7", "python"], &[])?;
    claims(&converted)?;
    converted.notes("is written in Python 2, which is not installed")?;
    claims(&course.grade(&[])?)
}

/// With C files, as old as the course: warnings and symbols of another time. A
/// machine that cannot compile them says what it takes.
fn compiled() -> Result<(), Failed> {
    let course = Course::with("compiled", &["hello"])?;
    course.overlay("compiled")?;
    let graded = course.grade(&["--cpus", "1"])?;
    if graded.notes("cannot make 32-bit x86 programs").is_ok() {
        graded.status(1)?;
        return graded.notes("apt-get install --no-install-recommends gcc-multilib");
    }
    graded.status(0)?;
    graded.says("\ntiny: OK\n")
}

/// One line each.
fn missing() -> Result<(), Failed> {
    let course = Course::with("missing", &PROGRAMS)?;
    let graded = course.grade_with_nothing()?;
    graded.status(1)?;
    graded.notes("jostle: make is not installed: install it (Debian, Ubuntu: sudo apt-get")?;
    course.write("GNUmakefile", b"this is no makefile\n")?;
    let graded = course.grade(&[])?;
    graded.status(1)?;
    graded.notes("missing separator")
}
