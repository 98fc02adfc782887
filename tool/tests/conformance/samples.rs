//! Sample bugs and their mended twins.
//!
//! The hard thing is what to require of a program with a bug: that no schedule shows
//! anything but a good run or its own symptom. A twin is a program like any other.

use jostle::expect::{Expect, regex, text};
use libtest_mimic::Failed;

use crate::boot::Boot;
use crate::console::{FIRST, booted, exiting, first, free, nothing_left};
use crate::programs::{LIMIT_SECONDS, Scope};
use crate::trial::Trial;

const CPU_COUNTS: [u32; 3] = [1, 2, 4];
/// Without and with turns that end in the middle of everything, in microseconds.
const QUANTA: [&str; 2] = ["quantum=10000", "quantum=20"];
const SEEDS: [&str; 2] = ["0", "1"];

/// What is seen of a bug.
#[derive(Clone, Copy)]
enum Symptom {
    /// A line with the program's name and `BUG`.
    Line,
    /// The first environment sleeps for ever.
    Sleep,
    /// Nothing, on a machine without store buffers.
    None,
}

const BUGS: [(&str, Symptom); 6] = [
    ("lostwake", Symptom::Sleep),
    ("racycount", Symptom::Line),
    ("forklock", Symptom::Line),
    ("ring", Symptom::None),
    ("tornread", Symptom::Line),
    ("childfirst", Symptom::Line),
];

pub fn trials() -> impl Iterator<Item = Trial> {
    BUGS.into_iter().map(|(name, symptom)| {
        Trial::test(format!("samples::{name}"), move || {
            is_good_or_shows(name, symptom)
        })
    })
}

fn is_good_or_shows(name: &str, symptom: Symptom) -> Result<(), Failed> {
    for cpus in CPU_COUNTS {
        for (quantum, seed) in QUANTA.into_iter().zip(SEEDS) {
            let cpus_word = cpus.to_string();
            let boot = Boot::new(&[
                name,
                "--machine=sim",
                "--cpus",
                &cpus_word,
                "--seed",
                seed,
                "--append",
                quantum,
                "--timeout",
                LIMIT_SECONDS,
            ])?;
            let good = boot.complaints(&good(name, cpus));
            let complaints = match symptom {
                _ if good.is_empty() => good,
                Symptom::None => good,
                Symptom::Line => boot.complaints(&line(name, cpus)),
                Symptom::Sleep => boot.complaints(&sleep(name, cpus)),
            };
            boot.judge(&complaints)?;
        }
    }
    Ok(())
}

fn good(name: &str, cpus: u32) -> Expect {
    ok(booted(cpus), name).in_order(nothing_left())
}

fn line(name: &str, cpus: u32) -> Expect {
    booted(cpus)
        .in_order([first(), regex(&format!("{name}: BUG: .*")), exiting(FIRST)])
        .in_order(nothing_left())
}

fn sleep(name: &str, cpus: u32) -> Expect {
    booted(cpus)
        .in_order([first()])
        .in_order(nothing_left())
        .never(regex(&format!("{name}: .*")))
        .never(exiting(FIRST))
}

/// The first environment says so, and ends by its own wish.
fn ok(expect: Expect, name: &str) -> Expect {
    expect.in_order([
        first(),
        text(&format!("{name}: ok")),
        exiting(FIRST),
        free(FIRST, FIRST),
    ])
}

pub fn lostwakefixed(expect: Expect, _: Scope, _: u32) -> Expect {
    ok(expect, "lostwakefixed")
}

pub fn racycountfixed(expect: Expect, _: Scope, _: u32) -> Expect {
    ok(expect, "racycountfixed")
}

pub fn forklockfixed(expect: Expect, _: Scope, _: u32) -> Expect {
    ok(expect, "forklockfixed")
}

pub fn ringfixed(expect: Expect, _: Scope, _: u32) -> Expect {
    ok(expect, "ringfixed")
}

pub fn tornreadfixed(expect: Expect, _: Scope, _: u32) -> Expect {
    ok(expect, "tornreadfixed")
}

pub fn childfirstfixed(expect: Expect, _: Scope, _: u32) -> Expect {
    ok(expect, "childfirstfixed")
}
