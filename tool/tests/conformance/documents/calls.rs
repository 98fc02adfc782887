//! The page about system calls says what the code says.
//!
//! The hard thing is that the code has no table of arguments and errors. So the number of arguments is
//! what the library passes, and an error belongs to a call if its handler names it; what a
//! handler's helpers find wrong is not seen here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use abi::call::FEATURES;
use abi::{Call, Error, Personality};
use libtest_mimic::Failed;
use witness::trace::Cause;

use crate::boot::host;
use crate::trial::Trial;

const PAGE: &str = "docs/system-calls.md";
/// Helpers of handlers that fail for one reason.
const HELPERS: [(&str, Error); 2] = [
    ("self.own_env(", Error::BadEnv),
    ("self.any_env(", Error::BadEnv),
];
/// Calls of which the library can tell the number of arguments, at least.
const COUNTED: usize = 30;

pub fn trials() -> impl Iterator<Item = Trial> {
    [
        Trial::test("documents::calls_have_one_name", calls_have_one_name),
        Trial::test("documents::calls_match_the_code", calls_match),
        Trial::test("documents::errors_match_the_code", errors_match),
        Trial::test(
            "documents::every_call_has_a_wrapper",
            every_call_has_a_wrapper,
        ),
    ]
    .into_iter()
}

fn read(path: &str) -> Result<String, Failed> {
    Ok(fs::read_to_string(host()?.workspace.root().join(path))?)
}

/// The cells of the rows whose first one begins with a name in backticks.
fn rows(page: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        // An escaped bar does not end a cell.
        let cells = row.replace("\\|", "or");
        let cells = cells.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
}

/// The tables of calls: numbers, arguments and bits.
fn calls_match() -> Result<(), Failed> {
    let page = read(PAGE)?;
    let sources = read("user/src/sys.rs")?;
    let sources: Vec<&str> = sources.split_whitespace().collect();
    let sources = sources.join(" ");
    let mut wrong = Vec::new();
    let mut counted = 0;
    let mut bits = BTreeSet::new();
    for call in Call::ALL {
        let begin = format!("`{}(", call.name());
        let mut found = rows(&page).filter(|row| row[0].starts_with(&begin));
        let Some(row) = found.next() else {
            wrong.push(format!("{}: no row", call.name()));
            continue;
        };
        if found.next().is_some() {
            wrong.push(format!("{}: two rows", call.name()));
        }
        let labs = [Personality::Lab4, Personality::Lab5, Personality::Lab6];
        let numbers = labs.map(|lab| number(lab, *call));
        let shown = if row.len() == 5 {
            row[1..4].to_vec()
        } else {
            bits.extend(row[2].parse::<u32>());
            vec![row[1].clone(); labs.len()]
        };
        if numbers.as_slice() != shown {
            wrong.push(format!("{}: {numbers:?}, not {shown:?}", call.name()));
        }
        if let Some(arity) = arity(&sources, *call) {
            counted += 1;
            let told = arguments(&row[0]);
            if told != arity {
                wrong.push(format!("{}: {arity} arguments, not {told}", call.name()));
            }
        }
    }
    // Bit 0 is that of the call itself.
    let known: BTreeSet<u32> = (1..32).filter(|bit| FEATURES >> bit & 1 == 1).collect();
    if bits != known {
        wrong.push(format!("bits {bits:?}, not {known:?}"));
    }
    if wrong.is_empty() && counted >= COUNTED {
        return Ok(());
    }
    Err(format!("{PAGE}, with {counted} calls counted: {wrong:?}").into())
}

/// As the table shows it.
fn number(personality: Personality, call: Call) -> String {
    (0..=u32::from(u8::MAX))
        .find(|&number| personality.call(number) == Some(call))
        .map_or_else(|| "-".into(), |number| number.to_string())
}

/// How many arguments the library passes, where it says so.
fn arity(sources: &str, call: Call) -> Option<usize> {
    let begin = format!("Call::{call:?}, call");
    let (_, rest) = sources.split_once(&begin)?;
    // Entries that also bring words back have longer names.
    let digits = rest.split([',', ')']).next()?;
    digits.parse().ok()
}

/// How many stand between the brackets.
fn arguments(cell: &str) -> usize {
    let between = cell
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    match between {
        Some((between, _)) if !between.is_empty() => between.split(',').count(),
        _ => 0,
    }
}

/// What a handler says fails is in the call's row of the table of errors; and each error on the
/// page is one.
fn errors_match() -> Result<(), Failed> {
    let page = read(PAGE)?;
    let names = error_names(&read("c/include/jostle.h")?);
    let mut wrong: Vec<String> = page
        .split(|c: char| !c.is_ascii_uppercase() && c != '_')
        .filter(|word| word.starts_with("E_") && !names.values().any(|name| name == word))
        .map(|word| format!("{word} is no error"))
        .collect();
    let handlers = handlers(&host()?.workspace.root().join("kcore/src/syscall"))?;
    for call in Call::ALL {
        let Some(body) = handlers.get(call.name()) else {
            wrong.push(format!("{}: no handler", call.name()));
            continue;
        };
        let told: String = rows(&page)
            .filter(|row| row.len() == 2 && row[0].contains(&format!("`{}`", call.name())))
            .map(|row| row[1].clone())
            .collect();
        // A row that refers to another call's is read with that one.
        if told.contains("as `") || told.contains("as for `") {
            continue;
        }
        for error in Error::ALL {
            let helped = HELPERS
                .iter()
                .any(|(helper, cause)| *cause == error && body.contains(helper));
            let named = body.contains(&format!("Error::{error:?}"));
            let name = &names[&(error as u32)];
            if (helped || named) && !told.contains(name) {
                wrong.push(format!("{}: {name} is not told", call.name()));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{PAGE}: {wrong:?}").into())
}

/// Errors by their values, as C names them. (Another test compares that file with the kernel's.)
fn error_names(header: &str) -> BTreeMap<u32, String> {
    let lines = header.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("#define").trim();
        let (name, rest) = line.split_once([' ', '='])?;
        let number = rest.trim_start_matches(['=', ' ']);
        let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
        let is_error = name.starts_with("E_");
        Some((digits.parse().ok().filter(|_| is_error)?, name.to_owned()))
    });
    lines.collect()
}

/// The text of each handler, by the call's name.
fn handlers(folder: &Path) -> Result<BTreeMap<String, String>, Failed> {
    let mut handlers = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let text = fs::read_to_string(entry?.path())?;
        for rest in text.split("fn sys_").skip(1) {
            let Some((name, _)) = rest.split_once('(') else {
                continue;
            };
            let body = rest.split("\n    }\n").next().unwrap_or_default();
            handlers.insert(name.to_owned(), body.to_owned());
        }
    }
    Ok(handlers)
}

/// A trace calls a system call what the page about them does.
fn calls_have_one_name() -> Result<(), Failed> {
    let page = host()?.workspace.root().join("docs/system-calls.md");
    let text = std::fs::read_to_string(page)?;
    let numbers = || 0..=u8::MAX;
    let calls = Personality::ALL.into_iter().flat_map(|personality| {
        numbers()
            .filter(move |&number| personality.call(number.into()).is_some())
            .map(move |number| Cause::Call {
                fast: false,
                personality,
                number,
            })
    });
    let names: BTreeSet<String> = calls.map(|call| call.to_string()).collect();
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !text.contains(&format!("| `{name}(")))
        .collect();
    if missing.is_empty() && !names.is_empty() {
        return Ok(());
    }
    Err(format!("not in the table of {} calls: {missing:?}", names.len()).into())
}

/// The one call that the library makes by itself, at the start, and not in its list.
const ASKED_AT_START: Call = Call::Features;

/// Programs can make every call: the library's list of calls has each.
fn every_call_has_a_wrapper() -> Result<(), Failed> {
    let list = host()?.workspace.root().join("user/src/sys.rs");
    let text = std::fs::read_to_string(list)?;
    let calls = Call::ALL.iter().filter(|&&call| call != ASKED_AT_START);
    let missing: Vec<&Call> = calls
        .filter(|call| !text.contains(&format!("Call::{call:?}")))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("user/src/sys.rs makes no {missing:?}").into())
}
