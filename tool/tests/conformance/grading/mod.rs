//! Booted with `grading`, the kernel satisfies graders written for JOS.
//!
//! A grader boots a program, stops the machine when the kernel's monitor first
//! asks for a command, and looks for the beginning of lines. The two tables say
//! what for; the hard thing is that they hold of one kernel at once, lab 3's
//! and lab 4's.

mod debugger;
mod lab3;
mod lab4;
mod typing;

use jostle::expect::{Line, regex, text};
use libtest_mimic::Failed;

use crate::boot::Boot;
use crate::console::{booted, nothing_left};
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

/// A program, and how its lines begin.
pub struct Row {
    program: &'static str,
    cpus: u32,
    must: &'static [&'static str],
    /// Each in one of a few runs: a host with fewer cores may leave a CPU
    /// without a turn for a whole run, a busy one a program for a quantum.
    possible: &'static [&'static str],
    must_not: &'static [&'static str],
}

impl Row {
    const fn new(program: &'static str, must: &'static [&'static str]) -> Self {
        Self {
            program,
            cpus: 1,
            must,
            possible: &[],
            must_not: &[],
        }
    }

    const fn on_cpus(self, cpus: u32) -> Self {
        Self { cpus, ..self }
    }

    const fn sometimes(self, possible: &'static [&'static str]) -> Self {
        Self { possible, ..self }
    }

    const fn never(self, must_not: &'static [&'static str]) -> Self {
        Self { must_not, ..self }
    }
}

/// Each row of both tables; the breakpoint that graders stop at; a person.
pub fn trials() -> impl Iterator<Item = Trial> {
    let rows = |lab: &'static str, rows: &'static [Row]| {
        rows.iter().map(move |row| {
            Trial::test(format!("grading::{lab}::{}", row.program), move || {
                grade(row)
            })
        })
    };
    rows("lab3", lab3::ROWS)
        .chain(rows("lab4", lab4::ROWS))
        .chain([
            Trial::test("grading::monitor_at_the_end", monitor_at_the_end),
            Trial::test("grading::stops_at_readline", debugger::stops_at_readline),
            Trial::test("grading::a_breakpoint_goes_on", typing::breakpoint_goes_on),
        ])
}

/// Graders look at how a line begins, and some at its end.
fn beginning(pattern: &str) -> Line {
    regex(&format!("(?:{pattern}).*"))
}

fn grade(row: &Row) -> Result<(), Failed> {
    const RUNS: usize = 3;
    let mut unseen: Vec<Line> = row.possible.iter().copied().map(beginning).collect();
    for run in 1..=RUNS {
        let boot = grade_once(row)?;
        let console = boot.console();
        unseen.retain(|line| !line.is_in(&console));
        if unseen.is_empty() {
            break;
        }
        if run == RUNS {
            let never = |line: &Line| format!("in none of {RUNS} runs: {line}");
            boot.judge(&unseen.iter().map(never).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

/// A run with everything that each must show.
fn grade_once(row: &Row) -> Result<Boot, Failed> {
    let cpus = row.cpus.to_string();
    let boot = Boot::to_the_prompt(&[
        row.program,
        "--cpus",
        &cpus,
        "--timeout",
        LIMIT_SECONDS,
        "--append",
        "grading",
    ])?;
    let expect = row.must.iter().fold(booted(row.cpus), |expect, pattern| {
        expect.in_order([beginning(pattern)])
    });
    let expect = row
        .must_not
        .iter()
        .fold(expect, |expect, pattern| expect.never(beginning(pattern)));
    boot.judge(&boot.complaints(&expect))?;
    Ok(boot)
}

/// What a grader gets without asking, a person gets by `--monitor`.
fn monitor_at_the_end() -> Result<(), Failed> {
    let boot = Boot::to_the_prompt(&[
        "hello",
        "--cpus",
        "1",
        "--monitor",
        "--timeout",
        LIMIT_SECONDS,
    ])?;
    let [end, end_of_lab3] = nothing_left();
    let expect = booted(1).in_order([
        text("hello, world"),
        end,
        end_of_lab3,
        text("Welcome to the JOS kernel monitor!"),
    ]);
    boot.judge(&boot.complaints(&expect))
}
