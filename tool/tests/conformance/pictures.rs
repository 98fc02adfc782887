//! Pictures of traces, as the command makes them, and the page of one in a real browser.
//!
//! The hard thing is a page that decodes what the tool encoded: both sum up all events,
//! and the sums must agree. Traces are of the simulated machine, so each is the same.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jostle::pictures::model::{Builder, Model, Who};
use jostle::pictures::{html, words};
use jostle::trace_file::Trace;
use libtest_mimic::Failed;
use witness::trace::{Cause, Content, Kind, Record};

use crate::boot::host_of_simulations;
use crate::command_line::status_is;
use crate::trial::Trial;
use crate::web::{browser, open};

/// What a page is asked in a browser.
const SELFTEST: &str = include_str!("pictures/selftest.js");
/// Notes what a browser would tell its console.
const NOTES: &str = "<script>window.JOSTLE_ERRORS = [];\
    const note = (what) => window.JOSTLE_ERRORS.push(String(what));\
    addEventListener('error', (event) => note(event.message));\
    addEventListener('securitypolicyviolation', (event) => note(event.violatedDirective));\
    console.error = console.warn = note;</script>";

pub fn trials() -> impl Iterator<Item = Trial> {
    [
        Trial::test("pictures::of_a_run", of_a_run),
        Trial::test("pictures::refusals", refusals),
        Trial::test("pictures::of_memory", of_memory),
        Trial::test("pictures::page_of_forktree", || {
            in_a_browser("forktree", false)
        }),
        Trial::test("pictures::page_with_a_gap", || {
            in_a_browser("pingpong", true)
        }),
        Trial::test("pictures::page_of_many_events", || {
            in_a_browser("primes", false)
        }),
    ]
    .into_iter()
}

/// A folder of this case's own.
fn folder(case: &str) -> Result<PathBuf, Failed> {
    let folder = host_of_simulations()?.workspace.target().join("pictures");
    let folder = folder.join(case);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// In one command, the same that a trace gives; what never ends is drawn in part.
fn of_memory() -> Result<(), Failed> {
    let folder = folder("of_memory")?;
    let mem = |words: &[&str], out: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jostle"));
        command.arg("mem").args(words).arg("-o").arg(out).output()
    };
    let picture = folder.join("forktree.svg");
    status_is(0, &mem(&["forktree"], &picture)?)?;
    let drawn = std::fs::read_to_string(&picture)?;
    for wanted in ["<svg", "copy-on-write, shared", "class=\"forked\"", "1001"] {
        if !drawn.contains(wanted) {
            return Err(format!("{wanted:?} is missing").into());
        }
    }
    status_is(2, &mem(&[], &picture)?)?;
    status_is(2, &mem(&["forktree", "--machine", "qemu"], &picture)?)?;
    status_is(2, &mem(&["forktree", "--trace", "x"], &picture)?)?;
    let diary = folder.join("diary");
    std::fs::write(&diary, "dear diary")?;
    status_is(2, &mem(&["forktree"], &diary)?)
}

/// The trace of a program on the simulated machine.
fn trace_of(program: &str, folder: &Path) -> Result<PathBuf, Failed> {
    let file = folder.join("run.trace");
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["run", program, "--machine", "sim", "--trace"])
        .arg(&file)
        .stdin(std::process::Stdio::null())
        .output()?;
    status_is(0, &output)?;
    Ok(file)
}

fn draw(file: &Path, words: &[&str], out: &Path) -> Result<Output, Failed> {
    Ok(Command::new(env!("CARGO_BIN_EXE_jostle"))
        .arg("trace")
        .arg(file)
        .args(words)
        .arg(out)
        .output()?)
}

fn model(records: &[Record], hz: u64, lost: u64) -> Result<Model, Failed> {
    let mut builder = Builder::new(hz, lost);
    for record in records {
        builder.add(record, true)?;
    }
    Ok(builder.finish())
}

/// Each format is written, and nothing in a sound trace is unknown.
fn of_a_run() -> Result<(), Failed> {
    let folder = folder("run")?;
    // Forks, sends a page, and has one copied on a write.
    let file = trace_of("sendpage", &folder)?;
    for (option, begins) in [
        ("--html", "<!doctype html>"),
        ("--svg", "<!-- by jostle trace -->\n<svg"),
        ("--perfetto", "{\"otherData\""),
        ("--memory", "<!-- by jostle trace, memory -->\n<svg"),
    ] {
        let out = folder.join("picture");
        status_is(0, &draw(&file, &[option], &out)?)?;
        // The next one replaces it.
        status_is(0, &draw(&file, &[option], &out)?)?;
        let text = std::fs::read_to_string(&out)?;
        if !text.starts_with(begins) || text.contains("records are lost</title>") {
            return Err(format!("{option}: {:.200}", text).into());
        }
        let copied = text.contains(": copied by a write</title>");
        if copied != (option == "--memory") {
            return Err(format!("{option}: a copy is shown, or none").into());
        }
        std::fs::remove_file(out)?;
    }
    for limit in [0, 1, 3] {
        let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
            .arg("trace")
            .arg(&file)
            .arg(format!("--limit={limit}"))
            .output()?;
        status_is(0, &output)?;
        let listed = String::from_utf8(output.stdout)?;
        let sum = listed.lines().nth(limit).unwrap_or_default();
        if !sum.starts_with(&format!("{limit} records shown of ")) {
            return Err(format!("--limit {limit}:\n{listed}").into());
        }
    }
    let refused = draw(&file, &["--cpu", "0", "--memory"], &folder.join("new"))?;
    status_is(2, &refused)?;
    // A filter chooses events; who ran when stays.
    let out = folder.join("filtered");
    status_is(0, &draw(&file, &["--kind", "message", "--perfetto"], &out)?)?;
    let text = std::fs::read_to_string(&out)?;
    let has = |what: &str| text.contains(what);
    match has("\"cat\":\"running\"") && has("\"cat\":\"message\"") && !has("\"cat\":\"trap\"") {
        true => Ok(()),
        false => Err(format!("filtered: {text:.2000}").into()),
    }
}

/// One line and status 2 for what cannot be drawn, or not there.
fn refusals() -> Result<(), Failed> {
    let folder = folder("refused")?;
    let file = trace_of("hello", &folder)?;
    let diary = folder.join("diary");
    std::fs::write(&diary, "dear diary")?;
    let mut bytes = std::fs::read(&file)?;
    let short = folder.join("short.trace");
    std::fs::write(&short, &bytes[..bytes.len() - 40])?;
    let bad = folder.join("bad.trace");
    if let Some(byte) = bytes.get_mut(4200) {
        *byte ^= 1;
    }
    std::fs::write(&bad, &bytes)?;
    let new = folder.join("new");
    for (file, option, out, why) in [
        (&file, "--html", &diary, "is not overwritten"),
        (&file, "--svg", &file, "is not overwritten"),
        (
            &file,
            "--perfetto",
            &folder.join("no/where"),
            "cannot write",
        ),
        (&file, "--html", &folder, "not a regular file"),
        (&short, "--html", &new, "truncated"),
        (&bad, "--svg", &new, "damaged"),
        (&diary, "--perfetto", &new, "not a trace"),
    ] {
        let output = draw(file, &[option], out)?;
        status_is(2, &output)?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !said.contains(why) || said.lines().count() != 1 || new.exists() {
            return Err(format!("{option}: {said}").into());
        }
    }
    match std::fs::read(&diary)? == b"dear diary" {
        true => Ok(()),
        false => Err("the diary is gone".into()),
    }
}

/// The page of a program's trace answers a browser as the model says; with `lossy` one
/// switch is left out.
fn in_a_browser(program: &str, lossy: bool) -> Result<(), Failed> {
    let Some(browser) = browser()? else {
        println!("pictures: {program} was left out: there is no Chromium here");
        return Ok(());
    };
    let folder = folder(program)?;
    let trace = Trace::open(&trace_of(program, &folder)?)?;
    let hz = trace.head.hz;
    let mut records = trace.collect::<Result<Vec<_>, _>>()?;
    if lossy {
        let mut switches = records
            .iter()
            .enumerate()
            .filter(|(_, record)| record.content.kind() == Kind::Switched && record.cpu.0 == 1);
        let (number, _) = switches.next().ok_or("no switch")?;
        records.remove(number);
    }
    let model = model(&records, hz, lossy.into())?;
    let gaps = model.rows.iter().flatten();
    let gaps = gaps.filter(|it| it.who == Who::Unknown).count();
    if (gaps > 0) != lossy {
        return Err(format!("{gaps} gaps").into());
    }
    let hovered = hovered(&model);
    let page = html::page(&model, program)?;
    let page = page.replacen("<style>", &format!("{NOTES}<style>"), 1);
    let asked = format!("<script>window.JOSTLE_HOVER = {hovered:?};</script>");
    let page = page.replacen(
        "</body>",
        &format!("{asked}<script>{SELFTEST}</script></body>"),
        1,
    );
    std::fs::write(folder.join("trace.html"), page)?;
    let told = open(&browser, &folder, "trace.html")?;
    let told: Vec<&str> = told.lines().collect();
    let expected = expected(&model, &hovered, lossy);
    // A browser writes some characters of a text differently.
    let told: Vec<String> = told.iter().map(|line| line.replace("&amp;", "&")).collect();
    match told == expected {
        true => Ok(()),
        false => Err(format!("the page says {told:#?}, not {expected:#?}").into()),
    }
}

/// Events to point at: the first of some kinds.
fn hovered(model: &Model) -> Vec<usize> {
    let first = |wanted: &dyn Fn(&Record) -> bool| {
        model.events.iter().position(|event| wanted(&event.record))
    };
    let found = [
        first(&|record| {
            // The kernel's own are made where much else is.
            matches!(record.content, Content::Born { parent, .. } if parent != abi::EnvId::NONE)
        }),
        first(&|record| matches!(record.content, Content::Delivered { .. })),
        first(&|record| {
            let entered = record.content.kind() == Kind::Entered;
            entered && record.cause == Cause::PageFault
        }),
        first(&|record| matches!(record.content, Content::Died { .. })),
    ];
    found.into_iter().flatten().collect()
}

/// What the page has to say.
fn expected(model: &Model, hovered: &[usize], lossy: bool) -> Vec<String> {
    let say = |event: usize| words::say(&model.events[event].record);
    let mut sum = 2_166_136_261_u32;
    for event in &model.events {
        let record = &event.record;
        let line = format!("{} {} {}\n", event.at, record.cpu.0, words::say(record));
        for byte in line.bytes() {
            sum = (sum ^ u32::from(byte)).wrapping_mul(16_777_619);
        }
    }
    let tenures: usize = model.rows.iter().map(Vec::len).sum();
    let ran =
        model.rows.iter().map(
            |row| match row.iter().any(|it| matches!(it.who, Who::Env(_))) {
                true => "yes",
                false => "no",
            },
        );
    let ran: Vec<_> = ran.collect();
    let mut order: Vec<usize> = (0..model.events.len()).collect();
    order.sort_by_key(|&event| model.events[event].at);
    let mut lines = vec![
        summary(model),
        format!(
            "lost: {}",
            match lossy {
                true => "1 record of this trace is lost: what is not known is hatched.",
                false => "nothing",
            }
        ),
        format!("events: {sum}"),
        format!("tenures: {tenures}, arrows: {}", model.arrows.len()),
        format!("coloured: {}", ran.join(" ")),
    ];
    lines.extend(
        hovered
            .iter()
            .map(|&event| format!("hover: {}", say(event))),
    );
    lines.extend(
        [
            "wheel: 0.223, strayed 0.0",
            "dragged: on",
            "all: 1",
            &format!("fifth: {}", say(order[4])),
            "none: SOME of some",
            &format!("only the first: fewer, {} off", model.envs.len() - 1),
            "show all: as before",
            "found: true",
            "strokes: bounded",
        ]
        .map(str::to_owned),
    );
    if lossy {
        lines.push("gap: unknown: records are lost".to_owned());
    }
    lines.extend(["errors: none", "selftest done"].map(str::to_owned));
    // Marks of nobody are left when all environments are hidden.
    let nobodys = model.events.iter().filter(|event| {
        let marked = html::MARKED.contains(&event.record.content.kind());
        marked && event.record.env == abi::EnvId::NONE
    });
    let count = nobodys.count().to_string();
    lines
        .iter()
        .map(|line| line.replace("SOME", &count))
        .collect()
}

fn summary(model: &Model) -> String {
    let many = |count: usize, what: &str| {
        let digits = count.to_string();
        let grouped: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
        let grouped = grouped.join(&b',');
        let plural = if count == 1 { "" } else { "s" };
        format!("{} {what}{plural}", String::from_utf8_lossy(&grouped))
    };
    let end = match model.end {
        1_000_000.. => format!("{} ms", model.end as f64 / 1e6),
        end => format!("{} µs", end as f64 / 1e3),
    };
    let counts = [
        many(model.rows.len(), "CPU"),
        many(model.envs.len(), "environment"),
        many(model.events.len(), "event"),
        end,
    ];
    counts.join(", ")
}
