//! Attacks from within and from without, each beside somebody who would notice.
//!
//! The hard thing is that they must be able to fail: so a program that checks its
//! own memory, messages or results runs meanwhile, and how often the attack was
//! made is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use jostle::expect::{Expect, regex, text};
use libtest_mimic::Failed;

use crate::boot::Boot;
use crate::console::{booted, nothing_left};
use crate::monitor_socket::Operator;
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

type Case = fn() -> Result<(), Failed>;

/// Each is an attack.
pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 5] = [
        ("states_at_the_fast_entry::cpus_1", || states(1, "on")),
        ("states_at_the_fast_entry::cpus_4", || states(4, "on")),
        ("states_at_the_fast_entry::all_through_the_lock", || {
            states(1, "off")
        }),
        ("interrupts_that_cannot_be_masked", nmis),
        ("a_machine_that_stops_and_goes_on", stops),
    ];
    cases
        .into_iter()
        .map(|(name, case)| Trial::test(format!("hostility::{name}"), case))
}

/// With `getenvid` answered before the lock, or not.
fn states(cpus: u32, prelock: &str) -> Result<(), Failed> {
    let count = cpus.to_string();
    let append = format!("prelock={prelock}");
    let words = ["hostile", "--cpus", &count, "--append", &append];
    let boot = Boot::new(&[&words[..], &["--timeout", LIMIT_SECONDS]].concat())?;
    let expect = booted(cpus)
        .in_order([text("142 hostile states, and no harm")])
        .never(text("ds, es are hostile"));
    boot.judge(&boot.complaints(&expect.in_order(nothing_left())))
}

/// On every CPU in turn, while environments on all of them check results.
fn nmis() -> Result<(), Failed> {
    meanwhile(|cpu| [format!("cpu {cpu}"), "nmi".to_owned()])
}

/// Time stands still for all CPUs at once, and goes on.
fn stops() -> Result<(), Failed> {
    meanwhile(|_| ["stop".to_owned(), "cont".to_owned()])
}

/// Gives pairs of commands to the monitor while the guest runs.
fn meanwhile(commands: fn(u32) -> [String; 2]) -> Result<(), Failed> {
    const CPUS: u32 = 4;
    const LEAST: u32 = 8;
    // Each command stops all of QEMU's threads, which on a busy host takes longer
    // than what the guest does in between: without an end to it, that has none.
    const MOST: u32 = 48;
    let count = Arc::new(AtomicU32::new(0));
    let counter = count.clone();
    let operator = Operator::new(move |monitor| {
        let number = counter.load(Relaxed);
        // Firmware is not ready for any of this, and not ours.
        let ready = number > 0 || monitor.sees_a_program()?;
        if !ready || number == MOST {
            thread::sleep(Duration::from_millis(5));
            return Ok(());
        }
        for command in commands(number % CPUS) {
            monitor.command(&command)?;
        }
        counter.store(number + 1, Relaxed);
        thread::sleep(Duration::from_millis(5));
        Ok(())
    });
    let words = ["matrix", "+", "demo", "--timeout", LIMIT_SECONDS];
    let boot = Boot::on(&words, |machine| operator.attach(machine));
    operator.dismiss();
    let boot = boot?;
    let expect: Expect = booted(CPUS)
        .in_order([regex("24 rows, 8 environments, CPUs seen at work: [1-4]")])
        .never(regex("user panic.*"));
    let mut complaints = boot.complaints(&expect.in_order(nothing_left()));
    let given = count.load(Relaxed);
    if given < LEAST {
        complaints.push(format!("given only {given} times"));
    }
    boot.judge(&complaints)
}
