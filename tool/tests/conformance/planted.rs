//! Do the expectations bite? For every program a fault is planted in the
//! kernel that it must expose; a planted case passes when the expectations
//! fail to hold.

use jostle::expect::{Expect, text};
use jostle::qemu::verdict::Verdict;
use libtest_mimic::Failed;

use crate::boot::Boot;
use crate::programs::{LIMIT_SECONDS, PROGRAMS, Program};
use crate::trial::Trial;

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
    ("breakpoint", "survive-fault"),
    ("testbss", "skip-bss"),
    ("buggyhello", "trust-pointer"),
    ("buggyhello2", "check-first-page"),
    ("evilhello", "trust-pointer"),
    ("demo", "exofork-result"),
    ("revoke", "skip-remote-flush"),
    ("exceptions", "keep-trap-flag"),
    ("exceptions", "short-gap"),
    ("badexceptions", "drop-assertion"),
    ("faultdie", "zero-fault-va"),
    ("faultregs", "lose-register"),
    ("faultalloc", "nest-at-top"),
    ("faultallocbad", "drop-assertion"),
    ("faultnostack", "drop-assertion"),
    ("faultbadhandler", "drop-assertion"),
    ("faultevilhandler", "drop-assertion"),
    ("forktree", "exofork-result"),
    ("forktree", "share-tables"),
    ("forktree", "tick-in-kernel"),
    ("sendpage", "drop-page"),
    ("pingpong", "wrong-word"),
    ("primes", "wrong-word"),
    ("fairness", "exofork-result"),
    ("instructions", "destroy-nothing"),
    ("fpuregs", "share-fpu"),
    ("fpuregs", "stale-fpu"),
    ("fpufault", "share-fpu"),
    ("fpuleft", "keep-fpu-pointers"),
    ("jobfpu", "forget-others-fpu"),
    ("selectors", "reset-selectors"),
    ("chatter", "write-for-ever"),
    ("yieldstorm", "yield-returns"),
    ("calls", "keep-callers"),
    ("calls", "queue-caller"),
    ("sleepers", "latest-first"),
    ("sleepers", "stop-idle-timer"),
    ("timeouts", "keep-late-sender"),
    ("server", "renew-lent"),
    ("top", "destroy-nothing"),
    ("rollback", "lose-wait"),
    ("sendstorm", "wrong-word"),
    ("sendstorm", "newest-first"),
    ("matrix", "wrong-word"),
    ("series", "wrong-word"),
    ("threads", "keep-watchers"),
    ("lenders", "keep-watchers"),
    ("producers", "keep-watchers"),
    ("mandelbrot", "keep-watchers"),
    ("sfork", "exofork-result"),
    ("sparse", "leak-space"),
    ("orphans", "keep-orphans"),
    ("stale", "stale-id"),
    ("promised", "skip-zero"),
    ("heirs", "parent-by-id"),
    ("args", "destroy-nothing"),
    ("heap", "short-heap"),
    ("guardpages", "destroy-nothing"),
    ("faultnoroom", "destroy-nothing"),
    ("writetext", "read-only-text"),
    ("lostwakefixed", "exofork-result"),
    ("racycountfixed", "exofork-result"),
    ("forklockfixed", "exofork-result"),
    ("ringfixed", "exofork-result"),
    ("tornreadfixed", "wrong-word"),
    ("childfirstfixed", "exofork-result"),
];

/// A guest that takes this long has been made to hang by its fault.
const HANG_SECONDS: &str = "10";

/// A name that no fault has: the kernel says so and is as good as without.
const NO_FAULT: &str = "nothing";

/// One case for every pair; that no program is without a fault; and that the
/// kernel with faults in it, but none awake, is a good kernel.
pub fn trials() -> impl Iterator<Item = Trial> {
    let each = PLANTS.iter().map(|&(program, fault)| {
        Trial::test(format!("planted::{program}::{fault}"), move || {
            is_noticed(program, fault)
        })
    });
    let controls = PROGRAMS.iter().map(|&program| {
        Trial::test(format!("planted::{}::asleep", program.name), move || {
            is_good_while_asleep(&program)
        })
    });
    each.chain(controls)
        .chain([Trial::test("planted::every_program", every_program)])
}

fn every_program() -> Result<(), Failed> {
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
}

fn is_noticed(program: &str, fault: &str) -> Result<(), Failed> {
    let program = PROGRAMS
        .iter()
        .find(|candidate| candidate.name == program)
        .ok_or("no such program in the table")?;
    let boot = boot(program, fault, HANG_SECONDS)?;
    // A misspelt fault is no fault, and then nothing would be tested; nor
    // would it if QEMU itself had failed.
    let mut complaints = Expect::new()
        .never(text(&format!("no such fault in this kernel: {fault}")))
        .complaints(&boot.console());
    if let Verdict::Failed(how) = boot.verdict() {
        complaints.push(format!("QEMU failed: {how}"));
    }
    if complaints.is_empty() && is_as_expected(program, &boot) {
        complaints.push("the planted fault went unnoticed".to_owned());
    }
    boot.judge(&complaints)
}

fn is_as_expected(program: &Program, boot: &Boot) -> bool {
    let cpus = program.grader_cpus;
    let console = boot.console();
    program.complaints(cpus, boot).is_empty()
        && program
            .possible(cpus)
            .iter()
            .all(|line| line.is_in(&console))
}

fn is_good_while_asleep(program: &Program) -> Result<(), Failed> {
    let boot = boot(program, NO_FAULT, LIMIT_SECONDS)?;
    let said = Expect::new().in_order([text(&format!("no such fault in this kernel: {NO_FAULT}"))]);
    let mut complaints = program.complaints(program.grader_cpus, &boot);
    complaints.extend(said.complaints(&boot.console()));
    boot.judge(&complaints)
}

fn boot(program: &Program, fault: &str, limit: &str) -> Result<Boot, String> {
    let start = program.words(program.grader_cpus, &format!("plant={fault}"));
    let start = start.iter().map(String::as_str);
    let words: Vec<&str> = start.chain(["--timeout", limit]).collect();
    Boot::new(&words)
}
