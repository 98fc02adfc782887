//! `jostle trace`: prints the records of a trace that somebody asks for, or draws them.
//!
//! The hard thing is a reader who leaves: lines are written in batches, and the rest is
//! not even looked at when nobody takes them.

use std::fmt::Write;

use anyhow::Context;
use witness::trace::Cause;

use crate::cli::Trace as Options;
use crate::pictures;
use crate::report::{is_lost, result};
use crate::status;
use crate::trace_file::Trace;
use crate::trace_filter::Selection;

/// Records whose lines are written at once.
const BATCH: usize = 256;

/// Prints the records of `options.file` that pass every filter, and how many
/// those were; or makes the pictures that are asked for.
pub fn trace(options: &Options) -> anyhow::Result<u8> {
    let Options {
        html,
        svg,
        perfetto,
        memory,
        ..
    } = options;
    if [html, svg, perfetto, memory].iter().any(|it| it.is_some()) {
        return pictures::draw(options);
    }
    let trace = Trace::open(&options.file)?;
    let head = trace.head;
    let all = trace.left();
    let mut selection = Selection::new(options);
    let limit = options.limit.unwrap_or(u64::MAX);
    let mut start = None;
    let (mut matched, mut lines) = (0, String::new());
    for record in trace {
        let record = record.with_context(|| options.file.display().to_string())?;
        // At boot the core knows no time.
        let booting = record.cause == Cause::Boot;
        let start = match start {
            _ if booting => record.now,
            None => *start.insert(record.now),
            Some(start) => start,
        };
        if !selection.wants(&record) {
            continue;
        }
        matched += 1;
        if matched > limit {
            continue;
        }
        let time = microseconds(record.now.wrapping_sub(start), head.hz);
        writeln!(lines, "{time:>12.1} {record}")?;
        if matched.is_multiple_of(BATCH as u64) {
            result(std::mem::take(&mut lines));
            if is_lost() {
                break;
            }
        }
    }
    let shown = matched.min(limit);
    writeln!(
        lines,
        "{shown} records shown of {matched} that match, {all} in all, {} lost",
        head.lost
    )?;
    result(lines);
    Ok(status::CLEAN)
}

/// Two CPUs' clocks may differ a little, so this may be less than nothing.
fn microseconds(ticks: u64, hz: u64) -> f64 {
    ticks.cast_signed() as f64 * 1e6 / hz as f64
}
