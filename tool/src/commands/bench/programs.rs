//! How fast whole programs run, on the simulated machine and in QEMU.
//!
//! Wall clock, on the machine that measures and no other: of use only beside each other.
//! The hard thing is to compare alike. The simulated machine is timed from its first
//! position to its last; QEMU has firmware and a kernel's boot before that, so what a
//! program that does nothing takes is subtracted. Each is the least of several, in turns.

use std::time::{Duration, Instant};

use anyhow::ensure;
use pc::{Config, Pc};
use sim::machine::{Machine, Store};

use crate::boot::Asked;
use crate::boot::capture::capture;
use crate::cli::run_options;
use crate::host::Host;
use crate::qemu::verdict::Verdict;
use crate::report::note;
use crate::simulated::boot::setup_of;

/// What is run.
const PROGRAMS: [&str; 2] = ["primes", "demo"];
/// What takes no time beside them.
const NOTHING: &str = "hello";
/// How often.
const ROUNDS: usize = 5;
/// On one CPU each: QEMU's counts nothing that the simulated machine does not.
const MACHINE: [&str; 8] = [
    "--cpus",
    "1",
    "--mem",
    "128",
    "--append",
    "lifecycle=off",
    "--timeout",
    "120",
];
/// Positions between two looks at the console, as in a run.
const STRETCH: u64 = 50_000;

/// A program's run, on both.
#[derive(Debug)]
pub struct Speed {
    /// Its name.
    pub program: &'static str,
    /// What it executes in ring 3.
    pub instructions: u64,
    /// How long that takes on the simulated machine.
    pub simulated: Duration,
    /// How long in QEMU.
    pub emulated: Duration,
}

impl Speed {
    /// Millions of instructions in ring 3 a second.
    pub fn per_second(&self, time: Duration) -> f64 {
        // Exact: far below 2^53.
        self.instructions as f64 / time.as_secs_f64() / 1e6
    }
}

/// Runs everything on both.
pub fn measure(host: &Host) -> anyhow::Result<Vec<Speed>> {
    let mut nothing = Duration::MAX;
    let mut speeds = PROGRAMS.map(|program| Speed {
        program,
        instructions: 0,
        simulated: Duration::MAX,
        emulated: Duration::MAX,
    });
    for round in 1..=ROUNDS {
        note(format_args!("round {round} of {ROUNDS}"));
        nothing = nothing.min(emulate(host, NOTHING)?);
        for speed in &mut speeds {
            let (instructions, time) = simulate(host, speed.program)?;
            speed.instructions = instructions;
            speed.simulated = speed.simulated.min(time);
            speed.emulated = speed.emulated.min(emulate(host, speed.program)?);
        }
    }
    for speed in &mut speeds {
        ensure!(
            speed.emulated > nothing,
            "{} took QEMU no longer than {NOTHING}",
            speed.program
        );
        speed.emulated -= nothing;
    }
    Ok(speeds.into())
}

fn emulate(host: &Host, program: &str) -> anyhow::Result<Duration> {
    let options = run_options([&[program][..], &MACHINE].concat())?;
    let begun = Instant::now();
    let captured = capture(host, &options)?;
    let taken = begun.elapsed();
    ensure!(
        captured.verdict == Verdict::Clean,
        "{program} did not end well in QEMU: {:?}",
        captured.verdict
    );
    Ok(taken)
}

/// Instructions in ring 3, and how long they took, with the kernel's steps for them.
fn simulate(host: &Host, program: &str) -> anyhow::Result<(u64, Duration)> {
    let options = run_options([&[program, "--machine", "sim"][..], &MACHINE].concat())?;
    let boot = Asked::check(&host.workspace, &options)?.build(host)?;
    let setup = setup_of(host.workspace.root(), &boot.machine, false)?;
    let mut store = Store::new(&setup.spec());
    let mut machine = Machine::new(&mut store, setup.spec());
    let complaints = setup.boot(&mut machine);
    ensure!(complaints.is_empty(), "{}", complaints.join("; "));
    let mut pc = Pc::new(machine, Config::default());
    let begun = Instant::now();
    while pc.advance(STRETCH) > 0 {
        pc.take_output();
    }
    let taken = begun.elapsed();
    ensure!(pc.has_ended(), "{program} did not end");
    Ok((pc.executed(), taken))
}
