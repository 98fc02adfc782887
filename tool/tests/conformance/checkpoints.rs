//! A child that goes on in another run: one run writes it to a disk, the next one starts it
//! from there.
//!
//! The hard thing is what the second run must not do: begin again. So both are judged by
//! the numbers that the child counts.

use jostle::expect::{Expect, regex, text};
use libtest_mimic::Failed;

use crate::boot::Boot;
use crate::console::{booted, nothing_left};
use crate::programs::LIMIT_SECONDS;
use crate::scratch::Scratch;
use crate::trial::Trial;

/// Bytes of the disk.
const DISK: usize = 1 << 20;

/// On one CPU and on several, in QEMU and on the simulated machine, and from one to the
/// other.
pub fn trials() -> impl Iterator<Item = Trial> {
    const QEMU: &[&str] = &[];
    const SIM: &[&str] = &["--machine=sim"];
    let cases = [
        ("checkpoints::cpus_1::freeze", [QEMU; 2], ["1"; 2]),
        ("checkpoints::cpus_4::freeze", [QEMU; 2], ["4"; 2]),
        ("simulated::cpus_1::freeze", [SIM; 2], ["1"; 2]),
        ("simulated::cpus_4::freeze", [SIM; 2], ["4"; 2]),
        ("checkpoints::moved_to_qemu", [SIM, QEMU], ["1", "4"]),
        ("checkpoints::moved_from_qemu", [QEMU, SIM], ["4", "1"]),
    ];
    cases
        .into_iter()
        .map(|(name, machines, cpus)| Trial::test(name, move || moves(name, machines, cpus)))
}

fn moves(name: &str, machines: [&[&str]; 2], cpus: [&str; 2]) -> Result<(), Failed> {
    let scratch = Scratch::new(&name.replace("::", "-"))?;
    let disk = scratch.path("disk.img")?;
    std::fs::write(&disk, vec![0; DISK])?;
    let run = |program, index: usize, expect: Expect| {
        let words = [
            &[program, "--with=type=fs:diskserver", "--disk", &disk],
            &["--cpus", cpus[index], "--timeout", LIMIT_SECONDS][..],
            machines[index],
        ];
        let boot = Boot::new(&words.concat())?;
        boot.judge(&boot.complaints(&expect.in_order(nothing_left())))
    };
    let count = |index: usize| cpus[index].parse().map_or_else(|_| booted(1), booted);

    let nothing = text("not thawed: not a checkpoint");
    run("thaw", 1, count(1).in_order([nothing]))?;
    let frozen = [
        text("number 1, sum 1"),
        text("number 2, sum 3"),
        text("number 3, sum 6"),
        regex("frozen at 3, in [0-9]+ blocks"),
    ];
    let never = text("number 4, sum 10");
    run("freeze", 0, count(0).in_order(frozen).never(never))?;
    let thawed = [
        text("number 4, sum 10"),
        text("it says 10"),
        text("number 5, sum 15"),
        text("it says 15"),
        text("number 6, sum 21"),
        text("it says 21"),
    ];
    let never = text("number 1, sum 1");
    run("thaw", 1, count(1).in_order(thawed).never(never))?;

    // One bit is another, in a page.
    let mut bytes = std::fs::read(&disk)?;
    bytes[9000] ^= 1;
    std::fs::write(&disk, bytes)?;
    let refused = text("not thawed: a damaged checkpoint");
    run("thaw", 1, count(1).in_order([refused]))
}
