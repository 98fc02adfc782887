//! Results for people: a table of searches, and paths told step by step.

use super::program::{self, access};
use super::search::{Outcome, Trail, replay};
use super::{Kind, Scenario, Transition};
use crate::machine::{Machine, Mode};
use std::fmt::Write;
use std::time::Duration;

/// The heading of the table.
pub const HEADING: &str =
    "scenario                 states  transitions  depth    ends   seconds  result";

/// A line of the table.
pub fn line(scenario: &Scenario, outcome: &Outcome, time: Duration) -> String {
    let result = match (&outcome.trail, outcome.complete) {
        (Some(trail), _) => format!("VIOLATION: {}", trail.violation),
        (None, true) => "complete".into(),
        (None, false) => "not complete".into(),
    };
    format!(
        "{:20} {:10} {:12} {:6} {:7} {:9.2}  {result}",
        scenario.name,
        outcome.states,
        outcome.transitions,
        outcome.depth,
        outcome.ends,
        time.as_secs_f64(),
    )
}

/// A path to a violation, told by walking it again.
pub fn tell(scenario: &Scenario, trail: &Trail) -> String {
    let mut text = format!("{}: {}\n", scenario.name, scenario.about);
    let mut number = 0;
    let verdict = replay(scenario, &trail.transitions, |machine, transition| {
        number += 1;
        let _ = writeln!(
            text,
            "{number:3}. {}",
            describe(machine, scenario, transition)
        );
    });
    let end = match verdict {
        Ok(()) => "and nothing is wrong: the path does not replay".into(),
        Err(violation) => violation.to_string(),
    };
    let _ = writeln!(text, "  => {end}");
    text
}

fn describe(machine: &Machine<'_>, scenario: &Scenario, transition: Transition) -> String {
    let cpu = transition.cpu;
    let env = machine
        .env_on(cpu)
        .map_or("no environment".into(), |id| format!("{:08x}", id.0));
    let op = program::current(machine, cpu, &scenario.text);
    let detail = match (transition.kind, machine.cpu(cpu).mode) {
        (Kind::Access | Kind::Fault, _) => match access(op) {
            Some((va, true)) => format!(" to write {va:#010x}"),
            Some((va, false)) => format!(" to read {va:#010x}"),
            None => String::new(),
        },
        (Kind::Fill(index), _) => {
            format!(" of {:#010x}", scenario.pages[usize::from(index)])
        }
        (Kind::Call, _) => match op {
            program::Op::Call(call, _) => format!(": {}", call.name()),
            _ => String::new(),
        },
        (Kind::Enter, Mode::Waiting(event)) => format!(", because of {event:x?}"),
        (Kind::Answer, _) => match machine.cpu(cpu).mail {
            Some(mail) => format!(": {mail:?}"),
            None => String::new(),
        },
        _ => String::new(),
    };
    format!("{transition}{detail} [{env}]")
}
