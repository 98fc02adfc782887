//! The lesson about the lost wake-up: its runs end as it says, and at each moment its
//! sentences say what the machine is.
//!
//! The hard thing is that page and machine come from one source. So the machine is asked
//! here once more, and each sentence is held against what it says.

use libtest_mimic::Failed;
use page::{Request, Session, memory, state};
use regex_lite::Regex;
use serde_json::Value;

use super::{browser, open, write_page};
use crate::boot::host;
use crate::trial::Trial;
use jostle::build::archive;
use jostle::build::guest::Kernel;

const SLEEPER: &str = "00001000";

pub fn trials() -> impl Iterator<Item = Trial> {
    [
        Trial::test("web::the_lesson_is_true", is_true),
        Trial::test("web::the_lesson_is_shown", is_shown),
    ]
    .into_iter()
}

/// A moment of a run: what the page says, and what the machine is.
struct Moment {
    said: [String; 2],
    status: [String; 2],
    words: Option<[u32; 2]>,
    /// Who did something.
    latest: Option<usize>,
    digest: String,
}

/// A run of the lesson, gone through again.
struct Run {
    name: String,
    choices: Option<String>,
    moments: Vec<Moment>,
    /// Whether the last moment is the end of the run.
    is_whole: bool,
    console: String,
}

fn runs() -> Result<Vec<Run>, Failed> {
    let script = std::fs::read_to_string(write_page()?.join("lostwake-runs.js"))?;
    let json = script
        .trim()
        .strip_prefix("window.JOSTLE_LOSTWAKE = ")
        .and_then(|rest| rest.strip_suffix(';'))
        .ok_or("another script")?;
    let told: Value = serde_json::from_str(json)?;
    let runs = ["fair", "failing", "mended"].iter();
    runs.map(|name| run(&told["runs"][name])).collect()
}

fn run(told: &Value) -> Result<Run, Failed> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let words = told["request"].as_object().ok_or("no request")?;
    let words = words
        .iter()
        .map(|(name, value)| format!("{name}={}\n", text(value)));
    let request = Request::parse(&words.collect::<String>())?;
    let guest = host()?.guest(Kernel::Plain);
    let guest = guest.map_err(|error| format!("{error:#}"))?;
    let file = std::fs::read(guest.program(&request.program))?;
    let file = archive::without_symbols(file).map_err(|error| format!("{error:#}"))?;
    let mut session = Session::boot(&request, file, Vec::new())?;
    let place = told["words"].as_u64().ok_or("no words")? as u32;
    let mut moments = Vec::new();
    for moment in told["moments"].as_array().ok_or("no moments")? {
        let at = moment["at"].as_u64().ok_or("no position")?;
        if session.go_to(at) != at {
            return Err(format!("there is no position {at}").into());
        }
        let (status, words) = machine(&session, place)?;
        moments.push(Moment {
            said: [0, 1].map(|side| text(&moment["sides"][side])),
            status,
            words,
            latest: moment["latest"].as_u64().map(|side| side as usize),
            digest: session.digest(),
        });
    }
    let last = session.position();
    Ok(Run {
        name: request.program.clone(),
        choices: told["request"]["choices"].as_str().map(str::to_owned),
        moments,
        is_whole: session.go_to(1 << 52) == last && session.pc.has_ended(),
        console: String::from_utf8_lossy(session.story.console()).into_owned(),
    })
}

/// What both sides are doing, and the words that they share.
fn machine(session: &Session, place: u32) -> Result<([String; 2], Option<[u32; 2]>), Failed> {
    let state: Value = serde_json::from_str(&state::state(session))?;
    let envs = state["envs"].as_array().ok_or("no environments")?;
    let sides = [("id", SLEEPER), ("parent", SLEEPER)]
        .map(|(name, id)| envs.iter().find(|env| env[name] == id));
    let status = sides.map(|env| match env {
        None => "gone".to_owned(),
        Some(env) => {
            let cpu = env["cpu"].as_u64();
            let cpu = cpu.map_or(String::new(), |cpu| format!(" on CPU {cpu}"));
            format!("{}{cpu}", env["status"].as_str().unwrap_or_default())
        }
    });
    let Some(env) = sides.into_iter().flatten().next() else {
        return Ok((status, None));
    };
    let id = u32::from_str_radix(env["id"].as_str().unwrap_or_default(), 16)?;
    let walk = memory::walk(&session.pc, abi::EnvId(id.cast_signed()), place);
    let walk: Value = serde_json::from_str(&walk)?;
    let bytes = walk["bytes"].as_str().unwrap_or_default().split(' ');
    let bytes = bytes.map(|byte| u8::from_str_radix(byte, 16));
    let bytes = bytes.take(8).collect::<Result<Vec<u8>, _>>()?;
    let word = |at: usize| {
        bytes[at..at + 4]
            .iter()
            .rev()
            .fold(0, |sum, &byte| sum << 8 | u32::from(byte))
    };
    Ok((status, Some([word(0), word(4)])))
}

fn is_true() -> Result<(), Failed> {
    let runs = runs()?;
    for run in &runs {
        for (number, moment) in run.moments.iter().enumerate() {
            if let Some(lie) = lie(moment) {
                return Err(format!("{} {number}: {lie}", run.name).into());
            }
        }
    }
    let [fair, failing, mended] = &runs[..] else {
        return Err("not three runs".into());
    };
    let ends = |run: &Run, status: &str, line: &str| {
        let ended = run
            .moments
            .last()
            .is_some_and(|last| last.status == [status, "gone"]);
        let printed = run.console.contains(&format!("{}: {line}\n", run.name));
        run.is_whole && ended && printed != line.is_empty()
    };
    let asleep = "waits for a message";
    let fails = ends(failing, asleep, "") && !failing.console.contains("lostwake: ");
    if !fails {
        return Err(format!("it does not fail: {}", failing.console).into());
    }
    if !ends(fair, "gone", "ok") || !ends(mended, "gone", "ok") {
        return Err(format!("not well: {} {}", fair.console, mended.console).into());
    }
    if fair.choices.is_some() || failing.choices.is_none() || failing.choices != mended.choices {
        return Err("not the same schedule".into());
    }
    same_until_the_waker_asks(failing, mended)
}

/// The twin's schedule means the same as the bug's: the sleeper sees too little, and then
/// the waker brings something.
fn same_until_the_waker_asks(failing: &Run, mended: &Run) -> Result<(), Failed> {
    let brings = |run: &Run| {
        let mut said = run.moments.iter().map(|moment| moment.said.clone());
        said.find(|[_, waker]| waker.starts_with("It has brought"))
    };
    let (ours, twins) = (brings(failing), brings(mended));
    let sees_too_little = |said: &[String; 2]| said[0].contains("it is not asleep yet");
    match ours.as_ref().is_some_and(sees_too_little) && ours == twins {
        true => Ok(()),
        false => Err(format!("{ours:?}, and mended {twins:?}").into()),
    }
}

/// What is not so of what is said.
fn lie(moment: &Moment) -> Option<String> {
    let [sleeper, waker] = &moment.said;
    let sleeps = moment.status[0] == "waits for a message";
    let started = !sleeper.contains("has not looked yet");
    for (is_so, is_said, what) in [
        (
            sleeps && started,
            sleeper.starts_with("It sleeps"),
            "the sleep",
        ),
        (
            moment.status[0] == "gone",
            sleeper.contains("has ended"),
            "the sleeper's end",
        ),
        (
            moment.status[1] == "gone",
            waker.contains("has ended"),
            "the waker's end",
        ),
        (
            sleeps && moment.status[1] == "gone",
            sleeper.contains("for ever"),
            "for ever",
        ),
    ] {
        if is_so != is_said {
            return Some(format!("{what} is {is_so}, but: {sleeper} {waker}"));
        }
    }
    // Whoever did something speaks of what is; the other of what it saw.
    let said = &moment.said[moment.latest?];
    let [ready, sleepy] = moment.words?;
    let numbers = Regex::new(r"(ready|sleepy) = (\d+)").expect("it is one");
    let wrong = numbers.captures_iter(said).find(|found| {
        let is = if &found[1] == "ready" { ready } else { sleepy };
        found[2].parse() != Ok(is)
    });
    wrong.map(|found| {
        format!(
            "{} is said where ready = {ready}, sleepy = {sleepy}",
            &found[0]
        )
    })
}

fn is_shown() -> Result<(), Failed> {
    let Some(browser) = browser()? else {
        println!("web::the_lesson_is_shown was left out: there is no Chromium here");
        return Ok(());
    };
    let told = open(&browser, &write_page()?, "lostwake.html#selftest")?;
    let mut told = told.lines();
    let mut is_next = |wanted: String| match told.next() {
        Some(line) if line == wanted => Ok(()),
        line => Err(format!("the page shows {line:?}, not {wanted:?}")),
    };
    for run in runs()? {
        for (number, moment) in run.moments.iter().enumerate() {
            let words = moment.words.map(|words| words.map(|word| word.to_string()));
            let words = words.unwrap_or(["–".into(), "–".into()]).join(" ");
            let (status, said) = (moment.status.join(" / "), moment.said.join(" / "));
            let digest = &moment.digest;
            is_next(format!(
                "{} {number} {digest} / {status} / {words} / {said}",
                run.name
            ))?;
        }
        let left = u32::from(
            run.moments
                .last()
                .is_some_and(|last| last.status[0] != "gone"),
        );
        let ok = run.console.contains(": ok\n");
        is_next(format!(
            "{} back: same; ended: true, left: {left}, ok: {ok}",
            run.name
        ))?;
    }
    is_next("selftest done".into())?;
    Ok(())
}
