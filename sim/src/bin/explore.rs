//! Explores every scenario, and prints how large it was or a shortest path to a
//! violation. With `--allow-stale`, a translation that should be gone is a
//! violation only once a program uses it.
//!
//! ```text
//! explore [--cpus N] [--allow-stale] [SCENARIO...]
//! ```

use sim::explorer::{Scenario, report, scenarios, search};
use std::process::ExitCode;
use std::time::Instant;

/// What the command line asks for.
struct Wanted {
    cpus: u8,
    allow_stale: bool,
    names: Vec<String>,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted {
        cpus: 2,
        allow_stale: false,
        names: Vec::new(),
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--cpus" => {
                let count = value();
                let parsed = count.parse().ok().filter(|&cpus| (2..=8).contains(&cpus));
                wanted.cpus = parsed.ok_or(format!("not from 2 to 8 CPUs: {count}"))?;
            }
            "--allow-stale" => wanted.allow_stale = true,
            _ if scenarios::named(&argument).is_some() => wanted.names.push(argument),
            _ => return Err(format!("unknown scenario: {argument}")),
        }
    }
    Ok(wanted)
}

fn main() -> ExitCode {
    let wanted = match parse(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let chosen = |scenario: &Scenario| {
        wanted.names.is_empty() || wanted.names.iter().any(|name| name == scenario.name)
    };
    println!("{}", report::HEADING);
    let mut violated = false;
    for scenario in scenarios::all().into_iter().filter(chosen) {
        let mut scenario = scenario.with_cpus(wanted.cpus);
        if wanted.allow_stale {
            scenario = scenario.allowing_stale();
        }
        let start = Instant::now();
        let outcome = search(&scenario, usize::MAX);
        println!("{}", report::line(&scenario, &outcome, start.elapsed()));
        if let Some(trail) = &outcome.trail {
            violated = true;
            print!("{}", report::tell(&scenario, trail));
        }
    }
    ExitCode::from(u8::from(violated))
}
