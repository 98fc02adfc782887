use std::collections::{BTreeMap, HashMap};

use super::super::made;
use super::*;

/// The events of a file, if it keeps the format's rules: the fields that each phase
/// needs, slices of a track nested and in order, each flow with a beginning and, not
/// before it, an end, both within a slice of their track.
fn check(text: &str) -> Result<Vec<Value>, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let events = file["traceEvents"].as_array().ok_or("no events")?;
    let mut slices: HashMap<u64, Vec<(f64, f64)>> = HashMap::new();
    for event in events {
        let phase = event["ph"].as_str().ok_or("no phase")?;
        let number = |name: &str| {
            let value = event[name].as_f64().filter(|value| *value >= 0.0);
            value.ok_or(format!("no {name}: {event}"))
        };
        event["name"].as_str().ok_or("no name")?;
        number("pid")?;
        let tid = number("tid")? as u64;
        match phase {
            "M" => drop(
                event["args"]["name"]
                    .as_str()
                    .ok_or("a track without name")?,
            ),
            "i" if event["s"] == "t" => drop(number("ts")?),
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
    assert_eq!(count("i"), made::family().len());
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
    ] {
        assert!(good.contains(from), "{from}: {good}");
        let error = check(&good.replace(from, to)).expect_err(why);
        assert!(error.contains(why), "{error}");
    }
}
