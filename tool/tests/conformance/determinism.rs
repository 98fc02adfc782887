//! Counted in instructions, a run is the same every time, to the last byte.

use libtest_mimic::{Failed, Trial};

use crate::boot::Boot;
use crate::programs::LIMIT_SECONDS;
use jostle::qemu::verdict::Verdict;

/// One alone, and some whose environments really race when run in parallel.
const PROGRAMS: [(&str, &str); 5] = [
    ("hello", "1"),
    ("dumbfork", "2"),
    ("spin", "4"),
    ("stresssched", "4"),
    ("stresssched", "8"),
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

fn twice(program: &str, cpus: &str) -> Result<(), Failed> {
    let words = [
        program,
        "--icount",
        "--cpus",
        cpus,
        "--timeout",
        LIMIT_SECONDS,
    ];
    let [one, two] = [Boot::new(&words)?, Boot::new(&words)?];
    for boot in [&one, &two] {
        if *boot.verdict() != Verdict::Clean {
            let complaint = format!("ended with {:?}", boot.verdict());
            return Err(boot.failure(&[complaint]).into());
        }
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
