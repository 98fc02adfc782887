//! A failing schedule, told as a story: who did what, in which order.
//!
//! The hard thing is what to leave out. A run has hundreds of places where CPUs meet,
//! and what went wrong is near its end: so the last segments are told, and of each the
//! last places.

use abi::EnvId;
use pc::Pc;
use pc::plan::Choice;
use schedules::timeline::Segment;

use super::say::say;
use crate::debug::programs::Programs;

/// The most segments that are told.
const SEGMENTS: usize = 12;
/// The most places of a segment.
const PLACES: usize = 4;

/// Prints it.
pub fn print(pc: &Pc<'_>, programs: &Programs, segments: &[Segment]) {
    let untold = segments.len().saturating_sub(SEGMENTS);
    if untold > 0 {
        say(format_args!("  ... {untold} earlier parts"));
    }
    let mut before = None;
    for segment in &segments[untold..] {
        print_one(pc, programs, segment, before == Some(segment.cpu));
        before = Some(segment.cpu);
    }
}

/// `stays` if the segment before was of the same CPU.
fn print_one(pc: &Pc<'_>, programs: &Programs, segment: &Segment, stays: bool) {
    let cpu = segment.cpu.0;
    let why = match segment.chosen {
        None => "",
        Some(Choice::Switch(_)) if stays => ", which goes on, though it would be left",
        Some(Choice::Switch(_)) => ", before the other could go on",
        Some(Choice::Ring(_)) => ", interrupted by its timer",
        Some(Choice::Drain(_)) => ", whose oldest store becomes visible",
    };
    let who = segment
        .env
        .map_or("wakes up".to_owned(), |env| format!("[{env}]"));
    say(format_args!(
        "  at {}, CPU {cpu}: {who}{why}",
        segment.position
    ));
    let mut lines: Vec<String> = Vec::new();
    for &place in &segment.places {
        let line = segment.env.and_then(|env| line(pc, programs, env, place));
        let line = line.unwrap_or_else(|| format!("{place:#010x}"));
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    let untold = lines.len().saturating_sub(PLACES);
    if untold > 0 {
        say(format_args!("      ..."));
    }
    for line in &lines[untold..] {
        say(format_args!("      {line}"));
    }
    for printed in segment.printed.lines() {
        say(format_args!("      prints: {printed}"));
    }
}

/// The line before an address, in the program's own code if the address is in a
/// function that was inlined there.
pub fn line(pc: &Pc<'_>, programs: &Programs, env: EnvId, address: u32) -> Option<String> {
    let lines = programs.names(pc, env)?.at(address.wrapping_sub(1));
    let is_own = |line: &&String| !line.starts_with("library/") && !line.starts_with("user/");
    let line = lines.iter().find(is_own).or_else(|| lines.last())?;
    Some(line.trim_end_matches(" (inlined)").to_owned())
}
