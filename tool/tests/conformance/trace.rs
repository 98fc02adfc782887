//! A trace of a run in the machine: the tool reads it, and it agrees with what
//! the console said.

use std::collections::{BTreeMap, BTreeSet};

use jostle::cli::Trace as Options;
use jostle::trace_file::Trace;
use jostle::trace_filter::Selection;

use libtest_mimic::Failed;
use witness::trace::{Cause, Content, Kind, Record};

use crate::boot::{Boot, host};
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

/// What a trace is about, and what is asked of it.
pub fn trials() -> impl Iterator<Item = Trial> {
    let whole = ["forktree", "sendpage", "faultalloc"].map(|name| {
        Trial::test(format!("trace::{name}"), move || {
            agrees_with_the_console(name)
        })
    });
    whole.into_iter().chain([
        Trial::test("trace::filters", filters),
        Trial::test("trace::of_a_run_that_was_killed", killed),
        Trial::test("trace::replay_makes_the_same_steps", recorded_too),
        Trial::test("trace::without_its_device", no_device),
    ])
}

fn file(name: &str) -> Result<String, Failed> {
    let folder = host()?.workspace.target().join("traces");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(name);
    Ok(file
        .to_str()
        .ok_or("the workspace's path is not text")?
        .to_owned())
}

/// Runs a program with a trace, on two CPUs. Cases run at once: each has its own
/// file.
fn traced(name: &str, case: &str, more: &[&str]) -> Result<(Boot, String), Failed> {
    let file = file(case)?;
    let words = [name, "--cpus", "2", "--trace", &file];
    let limit = ["--timeout", LIMIT_SECONDS];
    let words = [&words[..], &limit[..], more].concat();
    Ok((Boot::new(&words)?, file))
}

fn records(file: &str) -> Result<Vec<Record>, Failed> {
    let trace = Trace::open(file.as_ref())?;
    if trace.head.lost > 0 {
        return Err(format!("{} records lost", trace.head.lost).into());
    }
    Ok(trace.collect::<Result<_, _>>()?)
}

fn agrees_with_the_console(name: &str) -> Result<(), Failed> {
    let (boot, file) = traced(name, name, &[])?;
    let records = records(&file)?;
    let mut complaints = Vec::new();
    let mut complain = |wrong: bool, what: String| {
        if wrong {
            complaints.push(what);
        }
    };
    // The life-cycle lines, word for word.
    let lines: Vec<String> = records
        .iter()
        .filter_map(|record| match record.content {
            Content::Born { env, parent, .. } => Some(format!("[{parent}] new env {env}")),
            Content::Died { env, killer, .. } => Some(format!("[{killer}] free env {env}")),
            _ => None,
        })
        .collect();
    let console = boot.console();
    let printed: Vec<&str> = console
        .lines()
        .filter(|line| line.contains("] new env ") || line.contains("] free env "))
        .collect();
    complain(
        lines != printed || lines.is_empty(),
        format!("the trace says {lines:#?}, the console {printed:#?}"),
    );
    // All that was mapped is unmapped, and every frame is free.
    let mut mapped = BTreeMap::new();
    let (mut used, mut freed) = (BTreeSet::new(), BTreeSet::new());
    for record in &records {
        match record.content {
            Content::Inserted(it) => {
                let old = mapped.insert((it.pgdir, it.va), it.entry);
                complain(old.is_some(), format!("mapped twice: {record}"));
                used.insert(it.entry.frame());
                freed.remove(&it.entry.frame());
            }
            Content::Removed(it) => {
                let old = mapped.remove(&(it.pgdir, it.va));
                complain(old != Some(it.entry), format!("was not mapped: {record}"));
            }
            Content::TableMade(it) => {
                used.insert(it.entry.frame());
                freed.remove(&it.entry.frame());
            }
            Content::Born { pgdir, .. } => {
                used.insert(pgdir);
                freed.remove(&pgdir);
            }
            Content::Freed { frame } => {
                complain(!freed.insert(frame), format!("freed twice: {record}"));
            }
            _ => {}
        }
    }
    complain(!mapped.is_empty(), format!("still mapped: {mapped:x?}"));
    complain(
        used != freed,
        format!("{} used, {} freed", used.len(), freed.len()),
    );
    // A switch goes to whoever enters the kernel next on that CPU.
    let mut present = BTreeMap::new();
    for record in &records {
        match record.content {
            Content::Switched { .. } => {
                present.insert(record.cpu, record.env);
            }
            Content::Entered { .. } if record.env.0 != 0 => complain(
                present.get(&record.cpu) != Some(&record.env),
                format!("enters, but was not put there: {record}"),
            ),
            _ => {}
        }
    }
    let cpus: BTreeSet<_> = records.iter().map(|record| record.cpu).collect();
    // A single environment may come to its end before the other CPU is up.
    let enough = if name == "forktree" { 2 } else { 1 };
    complain(
        !(enough..=2).contains(&cpus.len()),
        format!("CPUs: {cpus:?}"),
    );
    boot.judge(&complaints)
}

fn ask(file: &str) -> Options {
    Options {
        file: file.into(),
        env: None,
        frame: None,
        address: None,
        kind: Vec::new(),
        cpu: None,
        limit: None,
        html: None,
        svg: None,
        perfetto: None,
        memory: None,
    }
}

/// What each filter lets through.
fn filters() -> Result<(), Failed> {
    let (boot, file) = traced("forktree", "filters", &["--append", "quantum=2000"])?;
    let records = records(&file)?;
    let selected = |options: &Options| -> Vec<Record> {
        let mut selection = Selection::new(options);
        let wanted = records.iter().filter(|record| selection.wants(record));
        wanted.copied().collect()
    };
    let child = 0x1001;
    let about = selected(&Options {
        env: Some(child),
        ..ask(&file)
    });
    let births = selected(&Options {
        env: Some(child),
        kind: vec![Kind::Born],
        ..ask(&file)
    });
    // Of a dead environment's space only the directory is left to know it by.
    let removed = about
        .iter()
        .filter(|record| matches!(record.content, Content::Removed(it) if it.env.0 == 0));
    let inserted = about.iter().find_map(|record| match record.content {
        Content::Inserted(it) if it.env.0 == child.cast_signed() => Some(it),
        _ => None,
    });
    let Some(page) = inserted else {
        return Err(boot.failure(&["the child maps nothing".to_owned()]).into());
    };
    let frame = selected(&Options {
        frame: Some(page.entry.frame().0),
        ..ask(&file)
    });
    let address = selected(&Options {
        address: Some(page.va + 5),
        kind: vec![Kind::Inserted, Kind::Removed],
        ..ask(&file)
    });
    let second = selected(&Options {
        cpu: Some(1),
        kind: vec![Kind::Entered],
        ..ask(&file)
    });
    let names = |what: Content| match what {
        Content::Inserted(it) | Content::Removed(it) => it.va,
        _ => 0,
    };
    let freed = Content::Freed {
        frame: page.entry.frame(),
    };
    let complaints: Vec<String> = [
        (about.len() < 20 || about.len() >= records.len(), "--env"),
        (
            births
                .iter()
                .filter(|r| r.env.0 != child.cast_signed())
                .count()
                != 1,
            "--env and --kind",
        ),
        (removed.count() == 0, "--env and a dead space"),
        (
            frame.iter().all(|record| record.content != freed),
            "--frame",
        ),
        (
            address.len() < 2 || address.iter().any(|r| names(r.content) != page.va),
            "--address",
        ),
        (
            second.is_empty() || second.iter().any(|r| r.cpu.0 != 1),
            "--cpu",
        ),
    ]
    .iter()
    .filter(|(wrong, _)| *wrong)
    .map(|(_, filter)| format!("{filter} lets the wrong records through"))
    .collect();
    boot.judge(&complaints)
}

/// The file is good for as far as it got.
fn killed() -> Result<(), Failed> {
    let file = file("killed")?;
    let words = ["spin", "--cpus", "1", "--trace", &file, "--timeout", "2"];
    let boot = Boot::new(&words)?;
    let records = records(&file)?;
    let ticks = records.iter().filter(|record| record.cause == Cause::Timer);
    let len = std::fs::metadata(&file)?.len();
    let complaints: Vec<String> = [
        (ticks.count() < 5, "hardly a tick was traced"),
        (len > 64 << 20, "the file was not trimmed"),
    ]
    .iter()
    .filter(|(wrong, _)| *wrong)
    .map(|(_, what)| (*what).to_owned())
    .collect();
    boot.judge(&complaints)
}

/// A recorded run that is traced too replays without a trace: no step depends
/// on it.
fn recorded_too() -> Result<(), Failed> {
    let record = file("forktree.record")?;
    let (boot, file) = traced("forktree", "recorded", &["--record", &record])?;
    let steps = records(&file)?
        .iter()
        .filter(|r| r.content.kind() == Kind::Entered)
        .count() as u64;
    let complaints = match sim::replay::replay(&std::fs::read(&record)?) {
        Err(difference) => vec![difference.to_string()],
        // An entry that is put off is traced when it is handled, too.
        Ok(report) if report.ended && steps >= report.steps && report.steps > 100 => vec![],
        Ok(report) => vec![format!("{steps} entries traced, replayed:\n{report}")],
    };
    boot.judge(&complaints)
}

/// The kernel says so, and goes on.
fn no_device() -> Result<(), Failed> {
    let boot = Boot::new(&["hello", "--append", "trace=on", "--timeout", LIMIT_SECONDS])?;
    let console = boot.console();
    let complaints = match console.contains("trace: no log device") {
        true if console.contains("hello, world") => vec![],
        _ => vec!["nothing is said, or nothing runs".to_owned()],
    };
    boot.judge(&complaints)
}
