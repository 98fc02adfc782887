//! A trace for Perfetto (ui.perfetto.dev), in the JSON of Chrome's trace events.
//!
//! The hard thing is what Perfetto makes of it. A thread 0 is taken for the process itself,
//! whose events then mix with those of another thread. Events of one moment are drawn one
//! below the other: so a step is one event, and what happened in it are its arguments. An
//! end of a flow belongs to the slice that is open on its track at that time, but whoever
//! sends and gives up its CPU in the same step has no slice any more: so each end has a
//! slice of its own, of no length.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt::Write;

use abi::EnvId;
use kcore::ids::CpuId;
use serde_json::{Value, json};
use witness::trace::Cause;

use super::arrows::{Means, Place};
use super::model::{Env, Event, Model, Who};
use super::words;

/// The process that the CPUs are threads of.
const CPUS: u32 = 1;
/// The thread of CPU 0. Neither 0 nor the process, which both mean something else.
const FIRST: usize = 100;

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
    add(json!({"ph": "M", "name": "process_name", "pid": CPUS, "args": {"name": "CPUs"}}));
    for (cpu, _) in model.rows.iter().enumerate() {
        let name = format!("CPU {cpu}");
        let tid = FIRST + cpu;
        add(json!({
            "ph": "M", "name": "thread_name", "pid": CPUS, "tid": tid, "args": {"name": name},
        }));
    }
    let names = names(model);
    for (cpu, _) in model.rows.iter().enumerate() {
        slices(model, &names, cpu, &mut add);
    }
    let same_step = |one: &Event, other: &Event| step_of(one) == step_of(other);
    for step in model.events.chunk_by(same_step) {
        add(instant(step));
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

/// What the slices of each environment are called. Perfetto chooses a slice's colour by
/// the letters of its name, so that of ids alone most would look the same.
fn names(model: &Model) -> HashMap<EnvId, String> {
    let named = |(number, env): (usize, &Env)| {
        (env.id, format!("{} {}", letters(number), words::id(env.id)))
    };
    model.envs.iter().enumerate().map(named).collect()
}

/// A, B and so on; after Z comes AA.
fn letters(number: usize) -> String {
    let mut letters = VecDeque::new();
    let mut left = number + 1;
    while left > 0 {
        left -= 1;
        letters.push_front(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    letters.into_iter().collect()
}

/// Who had the CPU; of idle time there is no slice.
fn slices(model: &Model, names: &HashMap<EnvId, String>, cpu: usize, add: &mut impl FnMut(Value)) {
    for (since, end, who) in model.stretches(cpu) {
        let name = match who {
            Who::Nobody => continue,
            Who::Env(env) => names.get(&env).map_or("", String::as_str),
            Who::Unknown => "unknown: records are lost",
        };
        add(json!({
            "ph": "X", "cat": "running", "name": name, "pid": CPUS, "tid": FIRST + cpu,
            "ts": microseconds(since), "dur": microseconds(end - since),
        }));
    }
}

fn slice(name: &str, place: Place, length: u64) -> Value {
    json!({
        "ph": "X", "cat": "sent", "name": name, "pid": CPUS, "tid": thread(place.cpu),
        "ts": microseconds(place.at), "dur": microseconds(length),
    })
}

fn flow(phase: &str, name: &str, number: usize, place: Place) -> Value {
    let mut flow = json!({
        "ph": phase, "cat": "sent", "name": name, "id": number, "pid": CPUS,
        "tid": thread(place.cpu), "ts": microseconds(place.at),
    });
    if phase == "f" {
        // To the slice around it, not to the next one.
        flow["bp"] = "e".into();
    }
    flow
}

/// What the events of a step have in common.
fn step_of(event: &Event) -> (u64, CpuId, Cause) {
    (event.at, event.record.cpu, event.record.cause)
}

/// A step: its cause, and what happened in it.
fn instant(step: &[Event]) -> Value {
    let [first, ..] = step else {
        return Value::Null;
    };
    let env = match first.record.env {
        EnvId::NONE => Value::Null,
        env => words::id(env).into(),
    };
    let kinds: BTreeSet<&str> = step
        .iter()
        .map(|event| event.record.content.kind().name())
        .collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    let happened: Vec<String> = step.iter().map(|event| words::say(&event.record)).collect();
    json!({
        "ph": "i", "s": "t", "cat": kinds.join(","), "name": first.record.cause.to_string(),
        "pid": CPUS, "tid": thread(first.record.cpu), "ts": microseconds(first.at),
        "args": {"environment": env, "happened": happened},
    })
}

fn thread(cpu: CpuId) -> usize {
    FIRST + usize::from(cpu.0)
}

/// Microseconds, to the nanosecond.
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

#[cfg(test)]
#[path = "perfetto_tests.rs"]
mod tests;
