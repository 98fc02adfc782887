//! On one CPU the simulated machine makes and ends environments in the order of QEMU.
//!
//! The hard thing is time, which is another on each: so these are programs that give
//! up the CPU by themselves, a quantum is longer than they take, and QEMU counts
//! instructions. What is left is the kernel's order, and that must be one.

use libtest_mimic::Failed;
use regex_lite::Regex;

use crate::boot::Boot;
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

const PROGRAMS: [&str; 8] = [
    "dumbfork", "forktree", "hello", "pingpong", "primes", "sendpage", "stale", "yield",
];

/// One for each program.
pub fn trials() -> impl Iterator<Item = Trial> {
    PROGRAMS
        .into_iter()
        .map(|name| Trial::test(format!("ids_agree::{name}"), move || agree(name)))
}

fn agree(program: &str) -> Result<(), Failed> {
    let in_qemu = lives(program, "--icount")?;
    let simulated = lives(program, "--machine=sim")?;
    if in_qemu.is_empty() {
        return Err("no environment was made".into());
    }
    match in_qemu.iter().zip(&simulated).find(|(a, b)| a != b) {
        Some((qemu, sim)) => Err(format!("QEMU: {qemu}, simulated: {sim}").into()),
        None if in_qemu.len() != simulated.len() => Err(format!(
            "{} lines in QEMU, {} simulated",
            in_qemu.len(),
            simulated.len()
        )
        .into()),
        None => Ok(()),
    }
}

/// The lines about environments that begin and end.
fn lives(program: &str, machine: &str) -> Result<Vec<String>, Failed> {
    let words = [program, "--cpus=1", "--append=quantum=1000000", machine];
    let boot = Boot::new(&[&words[..], &["--timeout", LIMIT_SECONDS]].concat())?;
    let line = Regex::new(r"\[[0-9a-f]{8}\] (new|free) env [0-9a-f]{8}")?;
    let console = boot.console();
    let lines = line.find_iter(&console);
    Ok(lines.map(|line| line.as_str().to_owned()).collect())
}
