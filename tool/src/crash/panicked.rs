//! What is said of a kernel that panicked: the last steps of each CPU, and what makes the
//! run again.
//!
//! The hard thing is that a panic is rare and may not come again. So what was kept of
//! this run comes first; where nothing was, the words that keep it next time.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use witness::trace::Record;

use super::repeated;
use crate::cli::Run;
use crate::report::line;
use crate::trace_file::Trace;

/// How many of a CPU's last records are told.
const LAST: usize = 6;

/// Says it.
pub fn tell(options: &Run) {
    if let Some(trace) = &options.trace {
        tell_last_steps(trace);
    }
    if let Some(again) = repeated::again(options) {
        line(format_args!("  again:  {again}"));
    }
}

fn tell_last_steps(path: &Path) {
    let Ok(trace) = Trace::open(path) else {
        return;
    };
    let mut cpus: BTreeMap<u8, VecDeque<Record>> = BTreeMap::new();
    for record in trace.map_while(Result::ok) {
        let last = cpus.entry(record.cpu.0).or_default();
        last.push_back(record);
        if last.len() > LAST {
            last.pop_front();
        }
    }
    for (cpu, records) in cpus {
        line(format_args!("  the last steps of CPU {cpu}:"));
        for record in records {
            line(format_args!("    {record}"));
        }
    }
}
