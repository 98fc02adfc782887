//! A failing schedule, told as a story: who did what, in which order.

use pc::boot::Setup;
use pc::plan::Choice;
use schedules::timeline::Segment;
use schedules::{Outcome, schedule};

use super::program::say;

/// Prints it; `long` is how many choices it had before it was made short.
pub fn print(outcome: &Outcome, long: usize, segments: &[Segment]) {
    if let Some(failure) = &outcome.failure {
        say(format_args!("{failure}"));
    }
    say(format_args!(
        "{} choices (of {long} when it was found), {} positions:",
        outcome.choices.len(),
        outcome.positions
    ));
    for segment in segments {
        let env = segment.env.map_or("idle".to_owned(), |env| format!("{:08x}", env.0));
        let why = match segment.chosen {
            None => "",
            Some(Choice::Switch(_)) => "   <- switch",
            Some(Choice::Ring(_)) => "   <- timer",
            Some(Choice::Drain(_)) => "   <- store",
        };
        say(format_args!(
            "  {:>8} CPU {} [{env}] {:08x} .. {:08x}{why}",
            segment.position, segment.cpu.0, segment.from, segment.to
        ));
        for printed in segment.printed.lines() {
            say(format_args!("           | {printed}"));
        }
    }
}

/// What was booted, for a file that names it.
pub fn modules(setup: &Setup) -> Vec<(u128, String)> {
    let module = |module: &pc::boot::Module| {
        let words = String::from_utf8_lossy(&module.string).into_owned();
        (schedule::digest(&module.file), words)
    };
    setup.modules.iter().map(module).collect()
}
