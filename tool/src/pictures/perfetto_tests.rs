use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::made;
use super::*;

/// The events of a file, if it keeps the format's rules: the fields that each phase
/// needs, slices of a track nested and in order, each flow with a beginning and, not
/// before it, an end, both within a slice of their track. And what Perfetto makes of it:
/// no thread that it takes for the process, no two steps in one place.
fn check(text: &str) -> Result<Vec<Value>, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let events = file["traceEvents"].as_array().ok_or("no events")?;
    let mut slices: HashMap<u64, Vec<(f64, f64)>> = HashMap::new();
    let mut steps = HashSet::new();
    for event in events {
        let phase = event["ph"].as_str().ok_or("no phase")?;
        let number = |name: &str| {
            let value = event[name].as_f64().filter(|value| *value >= 0.0);
            value.ok_or(format!("no {name}: {event}"))
        };
        event["name"].as_str().ok_or("no name")?;
        let pid = number("pid")? as u64;
        if event["name"] == "process_name" {
            continue;
        }
        let tid = number("tid")? as u64;
        if [0, pid].contains(&tid) {
            return Err(format!("thread {tid} is the process itself"));
        }
        match phase {
            "M" => drop(
                event["args"]["name"]
                    .as_str()
                    .ok_or("a track without name")?,
            ),
            "i" if event["s"] == "t" => {
                if !steps.insert((tid, number("ts")?.to_bits())) {
                    return Err(format!("two events in one place: {event}"));
                }
            }
            // Else an end belongs to the next slice of its track.
            "f" if event["bp"] != "e" => return Err("an end without a slice".into()),
            "s" | "f" => drop((number("ts")?, number("id")?)),
            "X" => {
                let whole = |microseconds: f64| (microseconds * 1000.0).round();
                let (from, length) = (whole(number("ts")?), whole(number("dur")?));
                slices.entry(tid).or_default().push((from, from + length));
            }
            other => return Err(format!("phase {other}")),
        }
    }
    for slices in slices.values_mut() {
        nest(slices)?;
    }
    pair(events, &slices)?;
    Ok(events.clone())
}

/// Slices of a track must contain each other or be apart.
fn nest(slices: &mut [(f64, f64)]) -> Result<(), String> {
    slices.sort_by(|one, other| {
        (one.0, -one.1)
            .partial_cmp(&(other.0, -other.1))
            .expect("numbers")
    });
    let mut open: Vec<f64> = Vec::new();
    for &(from, to) in &*slices {
        while open.last().is_some_and(|end| *end <= from) {
            open.pop();
        }
        if open.last().is_some_and(|end| *end < to) {
            return Err(format!("a slice from {from} to {to} overlaps another"));
        }
        open.push(to);
    }
    Ok(())
}

fn pair(events: &[Value], slices: &HashMap<u64, Vec<(f64, f64)>>) -> Result<(), String> {
    let mut flows: BTreeMap<u64, Vec<(&str, f64)>> = BTreeMap::new();
    for event in events {
        let phase = event["ph"].as_str().unwrap_or_default();
        if !matches!(phase, "s" | "f") {
            continue;
        }
        let at = (event["ts"].as_f64().unwrap_or_default() * 1000.0).round();
        let tid = event["tid"].as_u64().unwrap_or_default();
        let on = slices.get(&tid).map_or(&[][..], Vec::as_slice);
        if !on.iter().any(|(from, to)| *from <= at && at <= *to) {
            return Err(format!("a flow outside of all slices: {event}"));
        }
        let id = event["id"].as_u64().ok_or("no id")?;
        flows.entry(id).or_default().push((phase, at));
    }
    match flows
        .values()
        .find(|ends| !matches!(ends[..], [("s", from), ("f", to)] if from <= to))
    {
        Some(bad) => Err(format!("an unpaired flow: {bad:?}")),
        None => Ok(()),
    }
}

#[test]
fn the_file_keeps_the_rules_of_the_format() {
    let text = events(&made::model(&made::family()));
    let events = check(&text).expect("a good file");
    let count = |phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
    // One run of the parent and two of the child; of two arrows four ends.
    assert_eq!((count("X"), count("s"), count("f")), (3 + 4, 2, 2));
    // Each record belongs to a step, and all of a step's are told.
    let steps = events.iter().filter(|event| event["ph"] == "i");
    let told = steps.filter_map(|step| step["args"]["happened"].as_array());
    let told: Vec<usize> = told.map(Vec::len).collect();
    assert_eq!(told.iter().sum::<usize>(), made::family().len());
    assert_eq!(told.iter().max(), Some(&3));
}

#[test]
fn an_empty_trace_is_a_good_file_too() {
    check(&events(&made::model(&[]))).expect("a good file");
}

#[test]
fn the_rules_are_checked() {
    let good = events(&made::model(&made::family()));
    for (from, to, why) in [
        ("\"ph\":\"f\"", "\"ph\":\"s\"", "unpaired"),
        ("\"ph\":\"X\"", "\"ph\":\"B\"", "phase B"),
        ("\"dur\":0.1,", "\"dur\":0.4,", "overlaps"),
        ("\"ts\":", "\"at\":", "no ts"),
        ("\"bp\":\"e\",", "", "without a slice"),
        ("\"tid\":100", "\"tid\":0", "the process itself"),
        ("\"tid\":101", "\"tid\":1", "the process itself"),
        ("\"ts\":0.3}", "\"ts\":0.2}", "in one place"),
    ] {
        assert!(good.contains(from), "{from}: {good}");
        let error = check(&good.replace(from, to)).expect_err(why);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn colours_differ_by_letters() {
    let text = events(&made::model(&made::family()));
    for name in ["A [00001000]", "B [00001001]"] {
        assert!(text.contains(&format!("\"name\":\"{name}\"")), "{text}");
    }
    let of = [0, 25, 26, 51, 52, 701, 702].map(letters);
    assert_eq!(of, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
}
