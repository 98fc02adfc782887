//! The tests of the core that meet planted bugs, which live in `plants/tests`
//! and run in the copy of the tree: each is a case here.
//!
//! The hard thing is to know their names before the copy is built, which takes
//! longer than most runs want to wait. So they are read from the sources, and
//! one case compares them with what the built tests say of themselves.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use jostle::plants;
use jostle::workspace::Workspace;
use libtest_mimic::Failed;

use crate::trial::Trial;

/// The file that is no module of its own.
const ROOT: &str = "main";

/// One case for each test; and the ordinary tests among them, with every plant
/// asleep.
pub fn trials() -> impl Iterator<Item = Trial> {
    let names = modules().into_iter().flat_map(|(_, names)| names);
    let each = names.map(|name| {
        Trial::test(format!("planted::core::{name}"), move || {
            has_passed(&["--exact", &name], 1)
        })
    });
    each.chain([
        Trial::test("planted::core::every_test", every_test),
        Trial::test("planted::core::asleep", asleep),
    ])
}

/// The modules that are in the folder, and the full names of their tests.
fn modules() -> Vec<(String, Vec<String>)> {
    let folder = Workspace::locate().root().join("plants/tests");
    let files = std::fs::read_dir(&folder).expect("the tests of the copy");
    let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    let module = |path: PathBuf| {
        let module = path.file_stem()?.to_str()?.to_owned();
        let text = std::fs::read_to_string(&path).ok()?;
        let names = text.split("\n#[test]\nfn ").skip(1);
        let names = names.filter_map(|rest| Some(format!("{module}::{}", rest.split_once('(')?.0)));
        let names = names.collect();
        (module != ROOT).then_some((module, names))
    };
    paths.into_iter().filter_map(module).collect()
}

/// They are built once.
fn tests() -> Result<Command, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        plants::core_tests(&Workspace::locate()).map_err(|error| format!("{error:#}"))
    });
    built.as_ref().map(Command::new).map_err(Clone::clone)
}

fn run(arguments: &[&str]) -> Result<Output, Failed> {
    let mut command = tests()?;
    Ok(command.args(arguments).stdin(Stdio::null()).output()?)
}

/// So many pass, at least, and none fails.
fn has_passed(arguments: &[&str], least: u32) -> Result<(), Failed> {
    let output = run(arguments)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let passed = said
        .split_once("test result: ok. ")
        .and_then(|(_, rest)| rest.split_once(" passed")?.0.parse::<u32>().ok());
    if output.status.success() && passed.is_some_and(|passed| passed >= least) {
        return Ok(());
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    Err(format!("{arguments:?}: {}\n{said}{complaints}", output.status).into())
}

fn every_test() -> Result<(), Failed> {
    let output = run(&["--list"])?;
    let said = String::from_utf8(output.stdout)?;
    let listed = said.lines().filter_map(|line| line.strip_suffix(": test"));
    let modules = modules();
    let own = |name: &&str| {
        let module = name.split("::").next();
        modules.iter().any(|(own, _)| Some(&**own) == module)
    };
    let listed: BTreeSet<&str> = listed.filter(own).collect();
    let known = modules.iter().flat_map(|(_, names)| names);
    let known: BTreeSet<&str> = known.map(String::as_str).collect();
    if listed == known && !known.is_empty() {
        return Ok(());
    }
    let differ: Vec<_> = listed.symmetric_difference(&known).collect();
    Err(format!("not a case, or no test: {differ:?}").into())
}

fn asleep() -> Result<(), Failed> {
    let own = modules()
        .into_iter()
        .map(|(module, _)| format!("{module}::"));
    let own: Vec<String> = own.collect();
    let skipped = own.iter().flat_map(|module| ["--skip", module]);
    has_passed(&skipped.collect::<Vec<_>>(), 20)
}
