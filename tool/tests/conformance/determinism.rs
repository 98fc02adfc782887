//! Counted in instructions, a run is the same every time, to the last byte.

use libtest_mimic::Failed;

use crate::boot::Boot;
use crate::console::booted;
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

/// One alone, and some whose environments really race when run in parallel.
const PROGRAMS: [(&str, u32); 5] = [
    ("hello", 1),
    ("dumbfork", 2),
    ("spin", 4),
    ("stresssched", 4),
    ("stresssched", 8),
];

/// Two runs each.
pub fn trials() -> impl Iterator<Item = Trial> {
    PROGRAMS.into_iter().map(|(program, cpus)| {
        Trial::test(
            format!("deterministic::{program}::cpus_{cpus}"),
            move || twice(program, cpus),
        )
    })
}

fn twice(program: &str, cpus: u32) -> Result<(), Failed> {
    let count = cpus.to_string();
    let words = [
        program,
        "--icount",
        "--cpus",
        &count,
        "--timeout",
        LIMIT_SECONDS,
    ];
    let [one, two] = [Boot::new(&words)?, Boot::new(&words)?];
    for boot in [&one, &two] {
        boot.judge(&boot.complaints(&booted(cpus)))?;
    }
    if one.bytes() == two.bytes() {
        return Ok(());
    }
    let same = one
        .bytes()
        .iter()
        .zip(two.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let complaint = format!("two runs differ from byte {same} on");
    Err([one.failure(&[complaint]), two.failure(&[])]
        .concat()
        .into())
}
