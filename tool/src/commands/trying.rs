//! `jostle try`: runs a program under many schedules, and compares what it prints with
//! what it should.
//!
//! `explore` looks for a failure that nobody expects, and takes its time; this is the test
//! that runs after every change. A schedule is a seed and a pace of the simulated machine,
//! so the hard thing, to show the run that failed once more, takes no file: `run` and
//! `debug` know both by their options.

use pc::boot::Setup;
use pc::{Config, Pc};
use schedules::failure::is_death;
use sim::machine::{Machine, Store};

use crate::boot::Asked;
use crate::cli::{MachineKind, PaceKind, Run, Try};
use crate::host::Host;
use crate::plants;
use crate::quoting::shell_word;
use crate::report::{line, result};
use crate::simulated::boot::setup_of;
use crate::status::{self, usage};
use crate::workspace::Workspace;

/// Positions of the machine between two looks at whether it is over.
const STRETCH: u64 = 50_000;
/// A run that is longer has failed.
const LONGEST: u64 = 50_000_000;
/// Lines of the console that are shown of a run that failed.
const SHOWN: usize = 40;

/// Tries; the status says whether all went well.
pub fn try_out(options: &Try) -> anyhow::Result<u8> {
    check(options)?;
    let workspace = Workspace::locate();
    let asked = Asked::check(&workspace, &options.run)?;
    plants::tool::take_over(&workspace, &options.run.append)?;
    let host = Host::without_emulator()?;
    let boot = asked.build(&host)?;
    boot.announce(false);
    let setup = setup_of(workspace.root(), &boot.machine, false)?;
    for number in 0..options.schedules {
        let (seed, pace) = schedule(number);
        let run = run(&setup, options, seed, pace)?;
        if let Some(failure) = run.failure(options) {
            report(options, number, &run, &failure);
            return Ok(status::FAILURE);
        }
    }
    let schedules = match options.schedules {
        1 => "1 schedule".to_owned(),
        count => format!("{count} schedules"),
    };
    result(format_args!("{schedules}, no failure\n"));
    Ok(status::CLEAN)
}

/// The seed and the pace of a schedule: calm ones and hostile ones in turn.
fn schedule(number: u64) -> (u64, PaceKind) {
    let pace = match number % 2 {
        0 => PaceKind::Fair,
        _ => PaceKind::Hostile,
    };
    (number / 2, pace)
}

/// Refuses what makes no sense.
fn check(options: &Try) -> anyhow::Result<()> {
    let run = &options.run;
    if run.machine != Some(MachineKind::Sim) {
        return Err(usage("try is for the simulated machine"));
    }
    if run.program.is_none() {
        return Err(usage("what is to be tried? the prompt waits for input"));
    }
    let refused = [
        (run.record.is_some(), "--record"),
        (run.trace.is_some(), "--trace"),
        (run.seed.is_some(), "--seed"),
        (run.pace.is_some(), "--pace"),
        (run.disk.is_some(), "--disk"),
        (run.timeout.is_some(), "--timeout"),
        (run.audit, "--audit"),
        (run.verbose, "--verbose"),
    ];
    match refused.iter().find(|(given, _)| *given) {
        Some((_, option)) => Err(usage(format_args!("try knows no {option}"))),
        None => Ok(()),
    }
}

/// How a run went.
struct Outcome {
    console: String,
    ended: bool,
    positions: u64,
}

fn run(setup: &Setup, options: &Try, seed: u64, pace: PaceKind) -> anyhow::Result<Outcome> {
    let spec = setup.spec();
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    if let Some(complaint) = setup.boot(&mut machine).first() {
        return Err(usage(complaint));
    }
    let config = Config {
        seed,
        pace: pace.into(),
        store_buffers: options.run.store_buffers,
    };
    let mut pc = Pc::new(machine, config);
    let mut console = Vec::new();
    while !pc.has_ended() && !pc.is_asleep() && pc.position() < LONGEST {
        pc.advance(STRETCH);
        console.extend(pc.take_output());
    }
    Ok(Outcome {
        console: String::from_utf8_lossy(&console).into_owned(),
        ended: pc.has_ended(),
        positions: pc.position(),
    })
}

impl Outcome {
    /// What is wrong with it.
    fn failure(&self, options: &Try) -> Option<String> {
        let lines = || self.console.lines();
        if lines().any(is_death) {
            return Some("an environment is killed".into());
        }
        let forbidden = |line: &str| {
            options
                .never_prints
                .iter()
                .find(|text| line.contains(*text))
        };
        if let Some(text) = lines().find_map(forbidden) {
            return Some(format!("it prints {text:?}"));
        }
        if let Some(missing) = missing(lines(), &options.prints) {
            return Some(missing);
        }
        match (self.ended, self.positions < LONGEST) {
            (true, _) => None,
            (false, true) => Some("it waits for what never comes".into()),
            (false, false) => Some(format!("it has not ended after {LONGEST} positions")),
        }
    }
}

/// What is not printed of what should be.
fn missing<'l>(mut lines: impl Iterator<Item = &'l str>, wanted: &[String]) -> Option<String> {
    let mut before: Option<&String> = None;
    for text in wanted {
        if !lines.any(|line| line.contains(text)) {
            let after = before.map_or_else(String::new, |before| format!(" after {before:?}"));
            return Some(format!("it does not print {text:?}{after}"));
        }
        before = Some(text);
    }
    None
}

fn report(options: &Try, number: u64, outcome: &Outcome, failure: &str) {
    let (seed, pace) = schedule(number);
    let lines: Vec<&str> = outcome.console.lines().collect();
    let left_out = lines.len().saturating_sub(SHOWN);
    line(format_args!(
        "schedule {} of {} fails: {failure}",
        number + 1,
        options.schedules
    ));
    if left_out > 0 {
        line(format_args!("  ... {left_out} lines, and then"));
    }
    for shown in &lines[left_out..] {
        line(format_args!("  {shown}"));
    }
    let run = Run {
        seed: Some(seed),
        pace: Some(pace),
        ..options.run.clone()
    };
    if let Some(words) = again(&run) {
        line(format_args!(
            "the same run: ./jostle run --machine=sim {words}"
        ));
        line(format_args!(
            "step through it, backwards too: ./jostle debug {words}"
        ));
    }
}

/// The words that ask for this run again; none if one of them is not a line of text.
fn again(run: &Run) -> Option<String> {
    let words = run.words()?;
    let said = words.iter().filter(|word| *word != "--append=");
    let words: Vec<String> = said.map(|word| shell_word(word.as_ref())).collect();
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::run_options;

    fn lines_missing(console: &str, wanted: &[&str]) -> Option<String> {
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        missing(console.lines(), &wanted)
    }

    #[test]
    fn lines_come_one_after_the_other() {
        let console = "one\nand two\nthree";
        assert_eq!(lines_missing(console, &[]), None);
        assert_eq!(lines_missing(console, &["one", "two"]), None);
        assert_eq!(
            lines_missing(console, &["three", "one"]),
            Some("it does not print \"one\" after \"three\"".into())
        );
        // One line does not count twice.
        assert_eq!(
            lines_missing(console, &["one", "one"]),
            Some("it does not print \"one\" after \"one\"".into())
        );
        assert_eq!(
            lines_missing("", &["one"]),
            Some("it does not print \"one\"".into())
        );
    }

    #[test]
    fn no_two_schedules_are_the_same() {
        let shown = |number| format!("{:?}", schedule(number));
        let all: std::collections::BTreeSet<String> = (0..100).map(shown).collect();
        assert_eq!(all.len(), 100);
    }

    #[test]
    fn a_run_is_asked_for_again() {
        let run = run_options(["--seed=3", "--pace=hostile", "--mem=16", "hello", "a b"]);
        assert_eq!(
            again(&run.expect("valid")).as_deref(),
            Some("--cpus=4 --mem=16 --seed=3 --pace=hostile -- hello 'a b'")
        );
    }
}
