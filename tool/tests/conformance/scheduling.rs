//! Policies that are chosen at boot: what two programs find of them.
//!
//! The hard thing is to measure in an emulator, whose CPUs stand still when the host has
//! something else to do. So QEMU counts instructions, on one CPU, and several are simulated.

use jostle::expect::{Expect, Line, regex, text};
use libtest_mimic::Failed;

use crate::boot::Boot;
use crate::console::{FIRST, booted, exiting, nothing_left};
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

/// What is run, on how many CPUs, with which words for the kernel, and what the program
/// says at last.
const CASES: [(&[&str], u32, &str, &str); 10] = [
    (
        &["shares", "300", "--icount"],
        1,
        "stride",
        "shares are kept",
    ),
    (&["shares", "240", SIM], 1, "stride", "shares are kept"),
    (&["shares", "240", SIM], 4, "stride", "shares are kept"),
    (&["shares", "20", SIM], 4, "lottery", "shares are drawn"),
    (
        &["shares", "20", SIM],
        2,
        "round-robin",
        "round-robin ignores shares",
    ),
    (
        &["shares", "20", SIM],
        2,
        "priority",
        "priority ignores shares",
    ),
    (&["priorities"], 1, "priority", "priorities are kept"),
    (&["priorities", SIM], 1, "priority", "priorities are kept"),
    (
        &["priorities", SIM],
        4,
        "stride",
        "stride ignores priorities",
    ),
    (
        &["shares"],
        1,
        "stride extensions=off",
        "no shares: operation not supported",
    ),
];
const SIM: &str = "--machine=sim";

pub fn trials() -> impl Iterator<Item = Trial> {
    CASES.into_iter().map(|(words, cpus, policy, said)| {
        let name = [words.join("_"), policy.to_owned()].join("::");
        let name = name.replace("--", "").replace(['=', ' '], "_");
        let name = format!("scheduling::{name}::cpus_{cpus}");
        Trial::test(name, move || run(words, cpus, policy, said))
    })
}

/// Whether a program has its tests here.
pub fn is_program(name: &str) -> bool {
    CASES.iter().any(|(words, ..)| words[0] == name)
}

/// What is wrong with a run of one, whatever the policy.
pub fn bugs(boot: &Boot) -> Vec<String> {
    boot.complaints(&Expect::new().never(regex(".*BUG.*")))
}

fn run(words: &[&str], cpus: u32, policy: &str, said: &str) -> Result<(), Failed> {
    let count = cpus.to_string();
    let kernel = format!("quantum=1000 sched={policy}");
    let common = [
        "--cpus",
        &count,
        "--timeout",
        LIMIT_SECONDS,
        "--append",
        &kernel,
    ];
    let boot = Boot::new(&[words, &common].concat())?;
    let last: [Line; 2] = [text(said), exiting(FIRST)];
    let expect = booted(cpus)
        .in_order(last)
        .in_order(nothing_left())
        .never(regex(".*BUG.*"));
    boot.judge(&boot.complaints(&expect))
}
