//! A trace as a page: one file, with all that it needs in it.
//!
//! The hard thing is its size. Events are columns of numbers, most of them differences
//! that fit a byte; each text is there once. The timeline is the one of the page that
//! `jostle web` shows, so that both look and behave alike.

use std::collections::HashMap;

use abi::EnvId;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use witness::trace::{Cause, Kind};

use super::arrows::Means;
use super::model::{Model, Who};
use super::words;

const PAGE: &str = include_str!("trace.html");
/// What is put into the page, and where.
const PARTS: [(&str, &str); 6] = [
    ("/*STYLE*/", include_str!("../../../page/web/style.css")),
    ("/*NAMES*/", include_str!("../../../page/web/names.js")),
    ("/*STROKES*/", include_str!("../../../page/web/strokes.js")),
    (
        "/*TIMELINE*/",
        include_str!("../../../page/web/timeline.js"),
    ),
    ("/*RECORDED*/", include_str!("recorded.js")),
    ("/*MAIN*/", include_str!("main.js")),
];
/// Where the trace itself is put.
const DATA: &str = "/*DATA*/";

/// What the timeline has marks for.
pub const MARKED: [Kind; 6] = [
    Kind::Entered,
    Kind::Delivered,
    Kind::Born,
    Kind::Died,
    Kind::Flushes,
    Kind::Stops,
];

/// The page. Its first line says what it is.
pub fn page(model: &Model, name: &str) -> anyhow::Result<String> {
    let mut page = PAGE.to_owned();
    for (place, part) in PARTS {
        page = page.replacen(place, part, 1);
    }
    // Nothing within the data may end the element that it is in.
    let data = serde_json::to_string(&data(model, name))?.replace('<', "\\u003c");
    Ok(page.replacen(DATA, &data, 1))
}

/// A list of different things, each with its place.
struct Distinct<T> {
    all: Vec<T>,
    places: HashMap<T, u64>,
}

impl<T: Clone + Eq + std::hash::Hash> Distinct<T> {
    fn new() -> Distinct<T> {
        Distinct {
            all: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// The place of a thing, which is added if it is new.
    fn place(&mut self, thing: T) -> u64 {
        let next = self.all.len() as u64;
        let Distinct { all, places } = self;
        *places.entry(thing).or_insert_with_key(|thing| {
            all.push(thing.clone());
            next
        })
    }
}

/// Numbers of seven bits a byte, the lowest first.
#[derive(Default)]
struct Numbers(Vec<u8>);

impl Numbers {
    fn put(&mut self, mut number: u64) {
        while number > 127 {
            self.0.push(number as u8 | 128);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// One that may be below zero: its sign goes to the lowest bit.
    fn put_signed(&mut self, number: i64) {
        let doubled = number.cast_unsigned() << 1;
        self.put(if number < 0 { !doubled } else { doubled });
    }

    fn text(&self) -> String {
        BASE64_STANDARD.encode(&self.0)
    }
}

fn data(model: &Model, name: &str) -> Value {
    let mut ids = Distinct::new();
    // Nobody, and the one of whom nothing is known.
    for env in [EnvId::NONE, EnvId(-1)] {
        ids.place(env);
    }
    let (mut causes, mut texts) = (Distinct::new(), Distinct::new());
    let events = events(model, &mut ids, &mut causes, &mut texts);
    let (rows, arrows) = (rows(model, &mut ids), arrows(model, &mut ids));
    let time = |at: Option<u64>| at.map_or(json!(-1), |at| json!(at));
    let id = |env: EnvId| env.0.cast_unsigned();
    let envs = model.envs.iter().map(|env| {
        let parent = env.parent.map_or(0, id);
        json!([id(env.id), parent, env.born, time(env.died)])
    });
    let kinds = (0..=u8::MAX).map_while(|number| {
        let kind = Kind::ALL.iter().find(|kind| **kind as u8 == number);
        match number {
            0 => Some(""),
            _ => kind.map(|kind| kind.name()),
        }
    });
    json!({
        "name": name,
        "cpus": model.rows.len(),
        "end": model.end,
        "busy": model.busy(),
        "lost": model.lost,
        "count": model.events.len(),
        "marked": MARKED.map(|kind| kind as u8),
        "kinds": kinds.collect::<Vec<_>>(),
        "ids": ids.all.iter().copied().map(id).collect::<Vec<_>>(),
        "envs": envs.collect::<Vec<_>>(),
        "causes": causes.all,
        "texts": texts.all,
        "events": events,
        "rows": rows,
        "arrowCount": model.arrows.len(),
        "arrows": arrows,
    })
}

/// The class of a cause, as the timeline numbers them, and its name.
fn cause(cause: Cause) -> (u8, String) {
    let class = match cause {
        Cause::Boot => 0,
        Cause::Call { .. } => 1,
        Cause::Exception(_) => 2,
        Cause::PageFault => 3,
        Cause::Timer => 4,
        Cause::Wake => 5,
        Cause::ConsoleReady | Cause::ConsoleInput(_) => 6,
    };
    (class, cause.to_string())
}

fn events(
    model: &Model,
    ids: &mut Distinct<EnvId>,
    causes: &mut Distinct<(u8, String)>,
    texts: &mut Distinct<String>,
) -> String {
    let mut numbers = Numbers::default();
    let mut last = 0_u64;
    for event in &model.events {
        let record = &event.record;
        numbers.put_signed(event.at.wrapping_sub(last).cast_signed());
        last = event.at;
        numbers.put(record.cpu.0.into());
        numbers.put(record.content.kind() as u64);
        numbers.put(causes.place(cause(record.cause)));
        numbers.put(ids.place(record.env));
        // How far back the text is, so that a new one is a zero.
        let known = texts.all.len() as u64;
        numbers.put(known - texts.place(words::say(record)));
    }
    numbers.text()
}

fn rows(model: &Model, ids: &mut Distinct<EnvId>) -> String {
    let mut numbers = Numbers::default();
    for row in &model.rows {
        numbers.put(row.len() as u64);
        let mut last = 0;
        for tenure in row {
            numbers.put(tenure.since - last);
            last = tenure.since;
            numbers.put(ids.place(match tenure.who {
                Who::Nobody => EnvId::NONE,
                Who::Unknown => EnvId(-1),
                Who::Env(env) => env,
            }));
        }
    }
    numbers.text()
}

fn arrows(model: &Model, ids: &mut Distinct<EnvId>) -> String {
    let mut numbers = Numbers::default();
    let mut last = 0;
    for arrow in &model.arrows {
        numbers.put(arrow.tail.at - last);
        last = arrow.tail.at;
        numbers.put(arrow.tail.cpu.0.into());
        numbers.put(arrow.head.at - arrow.tail.at);
        numbers.put(arrow.head.cpu.0.into());
        numbers.put(match arrow.means {
            Means::Message => 0,
            Means::Fork => 1,
        });
        numbers.put(ids.place(arrow.from));
        numbers.put(ids.place(arrow.to));
    }
    numbers.text()
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
