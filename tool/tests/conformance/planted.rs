//! Do the expectations bite? For every program a fault is planted in the
//! kernel that it must expose; a planted case passes when the expectations
//! fail to hold.

use jostle::expect::Expect;
use libtest_mimic::{Failed, Trial};

use crate::boot::Boot;
use crate::programs::PROGRAMS;

/// Program and fault. A fault that makes the guest hang is found by the time
/// limit, so these are chosen to end quickly where that is possible.
const PLANTS: &[(&str, &str)] = &[
    ("hello", "id-without-generation"),
    ("yield", "id-without-generation"),
    ("dumbfork", "exofork-result"),
    ("spin", "destroy-nothing"),
    ("spin", "skip-preempt"),
    ("stresssched", "cpu-zero"),
    ("faultread", "drop-error-code"),
    ("faultwrite", "drop-error-code"),
    ("faultreadkernel", "drop-error-code"),
    ("faultwritekernel", "drop-error-code"),
    ("divzero", "survive-fault"),
    ("softint", "drop-error-code"),
    ("badsegment", "drop-error-code"),
    ("testbss", "skip-bss"),
    ("buggyhello", "trust-pointer"),
    ("buggyhello2", "check-first-page"),
    ("evilhello", "trust-pointer"),
];

/// Enough for any program to end on a good kernel.
const LIMIT_SECONDS: &str = "10";

/// One case for every pair, and one that no program is without a fault.
pub fn trials() -> impl Iterator<Item = Trial> {
    let each = PLANTS.iter().map(|&(program, fault)| {
        Trial::test(format!("planted::{program}::{fault}"), move || {
            is_noticed(program, fault)
        })
    });
    let complete = Trial::test("planted::every_program", || {
        let bare: Vec<&str> = PROGRAMS
            .iter()
            .map(|program| program.name)
            .filter(|name| !PLANTS.iter().any(|(planted, _)| planted == name))
            .collect();
        if bare.is_empty() {
            Ok(())
        } else {
            Err(format!("no fault is planted for {}", bare.join(" ")).into())
        }
    });
    each.chain([complete])
}

fn is_noticed(program: &str, fault: &str) -> Result<(), Failed> {
    let program = PROGRAMS
        .iter()
        .find(|candidate| candidate.name == program)
        .ok_or("no such program in the table")?;
    let cpus = program.grader_cpus.to_string();
    let append = format!("plant={fault}");
    let boot = Boot::new(&[
        program.name,
        "--cpus",
        &cpus,
        "--timeout",
        LIMIT_SECONDS,
        "--append",
        &append,
    ])?;
    // A misspelt fault is no fault, and then nothing would be tested.
    let unknown = Expect::new().never(jostle::expect::regex("unknown kernel argument: plant=.*"));
    let complaints = unknown.complaints(&boot.console());
    if !complaints.is_empty() {
        return Err(boot.failure(&complaints).into());
    }
    if boot
        .complaints(&program.expect(program.grader_cpus))
        .is_empty()
    {
        let complaint = "the planted fault went unnoticed".to_owned();
        return Err(boot.failure(&[complaint]).into());
    }
    Ok(())
}
