//! The page in a real browser: it runs our programs, and each position that is looked
//! at is the one that the host comes to.
//!
//! The hard thing is a browser, which not everybody has. Where there is none the case
//! says that it was left out; with `CI` in the environment it is installed instead.

mod lesson;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use jostle::build::archive;
use jostle::build::guest::Kernel;
use jostle::external;
use libtest_mimic::Failed;
use page::{Request, Session};

use crate::boot::host;
use crate::command_line::status_is;
use crate::trial::Trial;

/// Programs that the page runs, each in as many parts.
const RUNS: [(&str, u32); 3] = [("hello", 40), ("primes", 12), ("forktree", 40)];
const CPUS: u8 = 4;
const SEED: u64 = 3;
/// As much as the machine for a browser may take, compressed; in bytes.
const MOST: usize = 500_000;

pub fn trials() -> impl Iterator<Item = Trial> {
    [
        Trial::test("web::is_the_same_machine", same_machine),
        Trial::test("web::fingers_zoom", fingers_zoom),
        Trial::test("web::is_small", small),
    ]
    .into_iter()
    .chain(lesson::trials())
}

/// The browser, if there is one or must be.
pub fn browser() -> Result<Option<PathBuf>, Failed> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names.iter().find_map(|name| which::which(name).ok());
    if found.is_some() || std::env::var_os("CI").is_none() {
        return Ok(found);
    }
    let obtained = external::BROWSER.find_or_obtain();
    Ok(Some(obtained.map_err(|error| format!("{error:#}"))?.path))
}

/// The page, written into a folder of the build's, once for all cases: two writers at
/// the same time would each find the other's folder in the way.
fn write_page() -> Result<PathBuf, Failed> {
    static PAGE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let page = PAGE.get_or_init(|| {
        written().map_err(|failed| failed.message().unwrap_or("no page").to_owned())
    });
    Ok(page.clone()?)
}

fn written() -> Result<PathBuf, Failed> {
    let parent = host()?.workspace.target().join("page");
    std::fs::create_dir_all(&parent)?;
    let folder = parent.join("tested");
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .arg("web")
        .arg("--out")
        .arg(&folder)
        .output()?;
    status_is(0, &output)?;
    Ok(folder)
}

fn same_machine() -> Result<(), Failed> {
    let Some(browser) = browser()? else {
        println!("web::is_the_same_machine was left out: there is no Chromium here");
        return Ok(());
    };
    let page = write_page()?;
    let runs = RUNS.map(|(name, parts)| format!("{name},{CPUS},{SEED},{parts}"));
    let asked = format!("index.html#selftest={}", runs.join(";"));
    let told = open(&browser, &page, &asked)?;
    let mut expected = Vec::new();
    for (name, parts) in RUNS {
        expected.extend(natively(name, parts)?);
        expected.push(format!("{name} back and forward: same"));
    }
    expected.push("refused: text: not an ELF file".into());
    expected.push("refused: broken: damaged ELF file: it ends within its header".into());
    expected.push("selftest done".into());
    let told: Vec<&str> = told.lines().collect();
    match expected
        .iter()
        .zip(&told)
        .find(|(wanted, line)| wanted != *line)
    {
        Some((wanted, line)) => Err(format!("the page says {line:?}, the host {wanted:?}").into()),
        None if told.len() == expected.len() => Ok(()),
        None => Err(format!("{} lines, not {}: {told:?}", told.len(), expected.len()).into()),
    }
}

/// What two fingers do on the timeline, and what is left to one.
fn fingers_zoom() -> Result<(), Failed> {
    let Some(browser) = browser()? else {
        println!("web::fingers_zoom was left out: there is no Chromium here");
        return Ok(());
    };
    let told = open(&browser, &write_page()?, "index.html#selftest=fingers")?;
    let expected = [
        ("apart", "0.500", 0),
        ("together", "2.000", 0),
        ("upright", "0.500", 0),
        ("apart and along", "0.500", 0),
        ("along", "1.000", 0),
        // Not nearer than 20 positions, of which 30 were shown.
        ("as close as can be", "0.667", 0),
        ("two at rest", "1.000", 0),
        ("one along", "1.000", 0),
        ("one at rest", "1.000", 1),
    ];
    let expected = expected.map(|(what, span, taps)| {
        format!("{what}: {span} of the span, strayed 0.000, taps {taps}")
    });
    // The page scrolls with one finger, and with two never.
    let rest = ["the browser may take: pan-y", "selftest done"];
    let expected = expected.iter().map(String::as_str).chain(rest);
    let expected: Vec<&str> = expected.collect();
    let told: Vec<&str> = told.lines().collect();
    match told == expected {
        true => Ok(()),
        false => Err(format!("the page says {told:#?}, not {expected:#?}").into()),
    }
}

/// What the page must print of a program's positions.
fn natively(name: &str, parts: u32) -> Result<Vec<String>, Failed> {
    let guest = host()?
        .guest(Kernel::Plain)
        .map_err(|error| format!("{error:#}"))?;
    let file = archive::without_symbols(std::fs::read(guest.program(name))?);
    let file = file.map_err(|error| format!("{error:#}"))?;
    let request = format!("program={name}\ncpus={CPUS}\nseed={SEED}\n");
    let mut session = Session::boot(&Request::parse(&request)?, file, Vec::new())?;
    let end = session.go_to(1 << 52);
    let places = (0..=u64::from(parts)).map(|part| end * part / u64::from(parts));
    let lines = places.map(|place| {
        session.go_to(place);
        format!("{name} {place} {}", session.digest())
    });
    Ok(lines.collect())
}

/// What a page prints when it tests itself.
pub fn open(browser: &Path, page: &Path, asked: &str) -> Result<String, Failed> {
    let name: String = asked.chars().filter(|c| c.is_alphanumeric()).collect();
    let profile = page.with_extension(name);
    let output = Command::new("timeout")
        .arg("240")
        .arg(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
        ])
        .args(["--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--virtual-time-budget=600000", "--dump-dom"])
        .arg(format!("file://{}/{asked}", page.display()))
        .output();
    let _ = std::fs::remove_dir_all(&profile);
    let output = output?;
    let document = String::from_utf8_lossy(&output.stdout);
    let told = document
        .split_once("<pre id=\"selftest\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"));
    told.map(|(told, _)| told.to_owned()).ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("{}: the page printed nothing; {said}", output.status).into()
    })
}

/// The machine fits what a visitor is willing to wait for.
fn small() -> Result<(), Failed> {
    let page = write_page()?;
    let script = page.join("wasm.js");
    let compressed = Command::new("gzip").arg("-9c").arg(&script).output()?;
    // In base64 it is a third larger.
    let size = compressed.stdout.len() * 3 / 4;
    match size {
        1..=MOST => Ok(()),
        _ => Err(format!("{size} bytes compressed; at most {MOST} are wanted").into()),
    }
}
