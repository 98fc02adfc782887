//! A trace for Perfetto (ui.perfetto.dev), in the JSON of Chrome's trace events.
//!
//! The hard thing is flows. Perfetto binds an end of a flow to the slice that is open on
//! its track at that time. Whoever sends and gives up its CPU in the same step has no
//! slice any more: what it did in that step has a slice of its own, of no length, and
//! the flow begins there.

use std::fmt::Write;

use abi::EnvId;
use serde_json::{Value, json};
use witness::trace::Content;

use super::arrows::{Means, Place};
use super::model::{Event, Model, Who};
use super::words;

/// The process that the CPUs are threads of.
const CPUS: u32 = 1;

/// The file. Its first line says what it is.
pub fn events(model: &Model) -> String {
    let mut text = String::from("{\"otherData\":{\"by\":\"jostle trace\"},\n");
    text += "\"displayTimeUnit\":\"ns\",\n\"traceEvents\":[\n";
    let mut first = true;
    let mut add = |event: Value| {
        let comma = if first { "" } else { ",\n" };
        first = false;
        // A string takes all that is written to it.
        let _ = write!(text, "{comma}{event}");
    };
    add(named("process_name", 0, "CPUs"));
    for (cpu, _) in model.rows.iter().enumerate() {
        add(named("thread_name", cpu, &format!("CPU {cpu}")));
    }
    for (cpu, _) in model.rows.iter().enumerate() {
        slices(model, cpu, &mut add);
    }
    for event in &model.events {
        add(instant(event));
    }
    for (number, arrow) in model.arrows.iter().enumerate() {
        let name = match arrow.means {
            Means::Message => "message",
            Means::Fork => "new environment",
        };
        let what = format!("{name} to {}", words::id(arrow.to));
        add(slice(&what, arrow.tail, 0));
        add(slice(
            &format!("{name} from {}", words::id(arrow.from)),
            arrow.head,
            0,
        ));
        add(flow("s", name, number, arrow.tail));
        add(flow("f", name, number, arrow.head));
    }
    text += "\n]}\n";
    text
}

/// Names a track.
fn named(what: &str, cpu: usize, name: &str) -> Value {
    json!({"ph": "M", "name": what, "pid": CPUS, "tid": cpu, "args": {"name": name}})
}

/// Who had the CPU; of idle time there is no slice.
fn slices(model: &Model, cpu: usize, add: &mut impl FnMut(Value)) {
    for (since, end, who) in model.stretches(cpu) {
        let name = match who {
            Who::Nobody => continue,
            Who::Env(env) => words::id(env),
            Who::Unknown => "unknown: records are lost".into(),
        };
        add(json!({
            "ph": "X", "cat": "running", "name": name, "pid": CPUS, "tid": cpu,
            "ts": microseconds(since), "dur": microseconds(end - since),
        }));
    }
}

fn slice(name: &str, place: Place, length: u64) -> Value {
    json!({
        "ph": "X", "cat": "sent", "name": name, "pid": CPUS, "tid": place.cpu.0,
        "ts": microseconds(place.at), "dur": microseconds(length),
    })
}

fn flow(phase: &str, name: &str, number: usize, place: Place) -> Value {
    let mut flow = json!({
        "ph": phase, "cat": "sent", "name": name, "id": number, "pid": CPUS,
        "tid": place.cpu.0, "ts": microseconds(place.at),
    });
    if phase == "f" {
        // To the slice around it, not to the next one.
        flow["bp"] = "e".into();
    }
    flow
}

fn instant(event: &Event) -> Value {
    let record = &event.record;
    let name = match record.content {
        Content::Entered { .. } => record.cause.to_string(),
        content => content.kind().name().to_owned(),
    };
    let env = match record.env {
        EnvId::NONE => Value::Null,
        env => words::id(env).into(),
    };
    json!({
        "ph": "i", "s": "t", "cat": record.content.kind().name(), "name": name, "pid": CPUS,
        "tid": record.cpu.0, "ts": microseconds(event.at),
        "args": {"what": words::say(record), "environment": env, "because": record.cause.to_string()},
    })
}

/// Microseconds, to the nanosecond.
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

#[cfg(test)]
#[path = "perfetto_tests.rs"]
mod tests;
