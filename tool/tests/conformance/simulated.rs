//! The same programs on the simulated machine: they must print what they print in
//! QEMU, on as many CPUs and with several seeds.
//!
//! The hard thing is what "the same" means where CPUs race: the rule is the one that
//! QEMU's own runs are judged by, and here a run is the same every time.

use std::process::{Command, Stdio};

use libtest_mimic::Failed;

use crate::boot::{Boot, folder};
use crate::command_line::status_is;
use crate::foreign;
use crate::machine_options;
use crate::programs::{LIMIT_SECONDS, PROGRAMS, Program};
use crate::scratch::Scratch;
use crate::starting;
use crate::trial::Trial;

const CPU_COUNTS: [u32; 4] = [1, 2, 4, 8];
/// A second seed, where one run takes no time.
const SEEDS: [&str; 2] = ["0", "1"];
/// Programs that execute a hundred million instructions and more: one run has to do.
const LONG: [&str; 10] = [
    "backwards",
    "chatter",
    "demo",
    "forkkill",
    "fpuregs",
    "heap",
    "instructions",
    "spin",
    "stresssched",
    "yieldstorm",
];

/// What has a run go to the simulated machine.
const SIMULATED: &[&str] = &["--machine=sim"];

/// `jostle test quick` selects by the number of CPUs.
fn name_of(name: &str, cpus: u32) -> String {
    format!("simulated::cpus_{cpus}::{name}")
}

/// Programs, images made by hand, servers and disks; and what only this machine has.
pub fn trials() -> impl Iterator<Item = Trial> {
    let programs = PROGRAMS.iter().flat_map(|program| {
        let (counts, seeds): (&[u32], &[&str]) = if LONG.contains(&program.name) {
            (&CPU_COUNTS[2..3], &SEEDS[..1])
        } else {
            (&CPU_COUNTS, &SEEDS)
        };
        counts.iter().map(move |&cpus| {
            Trial::test(name_of(program.name, cpus), move || {
                as_in_qemu(program, cpus, seeds)
            })
        })
    });
    let others = foreign::trials_on(SIMULATED, |name, cpus| {
        name_of(&format!("foreign::{name}"), cpus)
    })
    .chain(starting::trials_on(SIMULATED, |name, cpus| {
        name_of(&format!("starting::{name}"), cpus)
    }))
    .chain(machine_options::disk_trials_on(SIMULATED, name_of));
    programs.chain(others).chain([
        Trial::test("simulated::is_the_same_every_time", same_every_time),
        Trial::test("simulated::another_seed_is_another_run", seeds_differ),
        Trial::test("simulated::records_replay", records_replay),
        Trial::test("simulated::traces_are_read", traces_are_read),
        Trial::test("simulated::prompt", prompt),
        Trial::test("simulated::a_failure_names_the_machine", failure),
    ])
}

fn boot(program: &Program, cpus: u32, seed: &str) -> Result<Boot, String> {
    let words = program.words(cpus, "");
    let known = words.iter().filter(|word| *word != "--icount");
    let further = ["--machine=sim", "--seed", seed, "--timeout", LIMIT_SECONDS];
    let words: Vec<&str> = known.map(String::as_str).chain(further).collect();
    Boot::new(&words)
}

fn as_in_qemu(program: &Program, cpus: u32, seeds: &[&str]) -> Result<(), Failed> {
    for seed in seeds {
        let boot = boot(program, cpus, seed)?;
        boot.judge(&program.complaints(cpus, &boot))?;
    }
    Ok(())
}

fn named(name: &str) -> Result<&'static Program, String> {
    let mut programs = PROGRAMS.iter();
    let found = programs.find(|program| program.name == name);
    found.ok_or_else(|| format!("no program {name}"))
}

/// A program whose lines come in another order with every interleaving.
const RACES: &str = "forktree";

fn same_every_time() -> Result<(), Failed> {
    let first = boot(named(RACES)?, 4, "7")?;
    let second = boot(named(RACES)?, 4, "7")?;
    if first.bytes() == second.bytes() {
        Ok(())
    } else {
        Err(second
            .failure(&["two runs with one seed differ".into()])
            .into())
    }
}

fn seeds_differ() -> Result<(), Failed> {
    let runs = ["1", "2", "3"].map(|seed| boot(named(RACES)?, 4, seed));
    let mut consoles = Vec::new();
    for run in runs {
        consoles.push(run?.bytes().to_vec());
    }
    consoles.sort();
    consoles.dedup();
    if consoles.len() > 1 {
        Ok(())
    } else {
        Err("three seeds gave one run".into())
    }
}

/// Where a log goes; kept, so that a failed one can be looked at.
fn log_file(name: &str) -> Result<String, Failed> {
    let file = folder("records")?.join(name);
    Ok(file.to_str().ok_or("not text")?.to_owned())
}

fn with_log(option: &str, file: &str) -> Result<Boot, String> {
    let further = ["--machine=sim", "--seed=5", option, file];
    Boot::new(&[&[RACES, "--timeout", LIMIT_SECONDS], &further[..]].concat())
}

/// Two runs with one seed give one record, which replays; a changed one does not.
fn records_replay() -> Result<(), Failed> {
    let files = [log_file("simulated-1")?, log_file("simulated-2")?];
    let mut records = Vec::new();
    for file in &files {
        let boot = with_log("--record", file)?;
        boot.judge(&[])?;
        records.push(std::fs::read(file)?);
    }
    if records[0] != records[1] {
        return Err("two runs with one seed have different records".into());
    }
    let report = sim::replay::replay(&records[0]).map_err(|difference| difference.to_string())?;
    if !report.ended || report.cpus != 4 {
        return Err(format!("not a whole run on four CPUs:\n{report}").into());
    }
    let middle = records[0].len() / 2;
    records[0][middle] ^= 1;
    match sim::replay::replay(&records[0]) {
        Ok(_) => Err("a changed byte went unnoticed".into()),
        Err(_) => Ok(()),
    }
}

fn traces_are_read() -> Result<(), Failed> {
    let file = log_file("simulated-trace")?;
    with_log("--trace", &file)?.judge(&[])?;
    let trace =
        jostle::trace_file::Trace::open(file.as_ref()).map_err(|error| error.to_string())?;
    match trace.head.len {
        0 => Err("an empty trace".into()),
        _ => Ok(()),
    }
}

/// The prompt runs what is asked for, and Ctrl-C reaches a machine that is at work.
fn prompt() -> Result<(), Failed> {
    let words = ["--machine=sim", "--timeout", LIMIT_SECONDS];
    let turns: [(&str, &[u8]); 4] = [
        ("jostle> ", b"hello\r"),
        ("jostle> ", b"primes\r"),
        (": 211 ", b"\x03"),
        ("jostle> ", b"exit\r"),
    ];
    let boot = Boot::with_input(&words, &turns)?;
    let console = boot.console();
    let mut complaints = Vec::new();
    if !console.contains("hello, world") {
        complaints.push("the prompt did not run hello".into());
    }
    if !console.contains("^C") {
        complaints.push("Ctrl-C was not heard".into());
    }
    boot.judge(&complaints)
}

/// Where the machine itself fails, here for want of its disk, nobody blames QEMU.
fn failure() -> Result<(), Failed> {
    let scratch = Scratch::new("taken-disk")?;
    let disk = scratch.path("disk")?;
    std::fs::write(&disk, [0; 512])?;
    let other = std::fs::File::open(&disk)?;
    other.try_lock()?;
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["run", "hello", "--machine=sim", "--disk", &disk])
        .stdin(Stdio::null())
        .output()?;
    status_is(1, &output)?;
    let said = String::from_utf8(output.stderr)?;
    let reason = said.contains("another run has this disk");
    let whose = said.contains("\njostle: the simulated machine failed: exit status: 2\n");
    if reason && whose && !said.contains("QEMU") {
        Ok(())
    } else {
        Err(format!("not the machine's name, or not the reason:\n{said}").into())
    }
}
