//! Are the core's planted bugs found by real programs, without QEMU? Each is woken in
//! the simulated machine, and one program must show it: by what it prints, or because
//! `--audit` finds something broken.
//!
//! The hard thing is that a finding proves nothing alone. So each command has a twin on
//! the kernel without bugs, which must find nothing. And docs/planted.md, which has the
//! findings as a table, has the same bugs and the same commands as this file.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output, Stdio};

use jostle::plants::{self, Plants};
use jostle::qemu::verdict::Verdict;
use jostle::workspace::Workspace;
use libtest_mimic::Failed;

use crate::boot::{Boot, host_of_simulations};
use crate::command_line::status_is;
use crate::programs::{LIMIT_SECONDS, PROGRAMS};
use crate::scheduling;
use crate::trial::Trial;

/// How a bug is found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// A run shows other lines than the program's test expects.
    Lines,
    /// A run has a line with the word BUG.
    Bug,
    /// The audit finds something broken.
    Audit,
    /// `explore` finds a run that fails.
    Explore,
}
use Found::{Audit, Bug, Explore, Lines};

/// Bug, how it is found, and what is run: the words that follow the command.
const FINDINGS: &[(&str, Found, &str)] = &[
    ("check-first-page", Lines, "buggyhello2 --cpus 1"),
    ("cpu-zero", Bug, PROMISED),
    ("cputs-off-by-one", Lines, "hello --cpus 1"),
    ("destroy-nothing", Explore, "stale --seeds 10 --bound 0"),
    ("drop-assertion", Lines, "faultallocbad --cpus 1"),
    ("drop-error-code", Lines, "faultread --cpus 1"),
    ("drop-page", Lines, "sendpage --cpus 1"),
    ("equal-shares", Bug, SHARES),
    ("exofork-result", Lines, "sendpage --cpus 1"),
    ("forget-others-fpu", Lines, "jobfpu --cpus 2"),
    ("flush-one-page", Bug, PROMISED),
    ("fork-while-ending", Bug, PROMISED),
    ("hasty-refusal", Bug, PROMISED),
    ("hear-anybody", Bug, PROMISED),
    ("id-without-generation", Lines, "hello --cpus 1"),
    ("keep-callers", Audit, "calls --cpus 1 --audit"),
    ("keep-entries", Audit, "forktree --cpus 2 --mem 16 --audit"),
    ("keep-heap", Audit, AUDITED),
    ("keep-late-sender", Audit, "timeouts --cpus 2 --audit"),
    ("keep-orphans", Bug, PROMISED),
    ("keep-outranked", Bug, PRIORITIES),
    (
        "keep-tickets",
        Audit,
        "forktree --cpus 2 --mem 16 --audit --append sched=lottery",
    ),
    ("keep-trap-flag", Lines, "exceptions --cpus 1"),
    ("keep-watchers", Audit, "threads --cpus 1 --audit"),
    ("keep-writing", Bug, PROMISED),
    ("latest-first", Lines, "sleepers --cpus 2"),
    ("leak-space", Audit, "forktree --cpus 2 --mem 16 --audit"),
    ("leave-job", Bug, PROMISED),
    ("lose-register", Lines, "faultregs --cpus 1"),
    ("lose-wait", Lines, "rollback --cpus 1"),
    ("nest-at-top", Lines, "faultalloc --cpus 1"),
    ("newest-first", Lines, "sendstorm --cpus 1"),
    ("parent-by-id", Bug, "heirs --cpus 1 --append lifecycle=off"),
    ("queue-caller", Audit, "calls --cpus 1 --audit"),
    ("raise-itself", Bug, PRIORITIES),
    ("read-only-text", Lines, "writetext --cpus 1"),
    ("renew-lent", Lines, "server --cpus 1 --append quantum=500"),
    ("share-copies", Bug, PROMISED),
    ("share-tables", Audit, "forktree --cpus 2 --mem 16 --audit"),
    ("share-fpu", Audit, "jobfpu --cpus 2 --mem 16 --audit"),
    ("short-gap", Lines, "exceptions --cpus 1"),
    ("short-heap", Lines, PROMISED),
    (
        "skip-arrival",
        Explore,
        "orphans --cpus 2 --audit --seeds 10 --bound 0",
    ),
    ("skip-bss", Lines, "testbss --cpus 1"),
    ("skip-compare", Lines, "threads --cpus 2"),
    ("skip-limbo", Audit, AUDITED),
    (
        "skip-preempt",
        Explore,
        "spin --cpus 1 --hang --seeds 0 --bound 0",
    ),
    (
        "skip-remote-flush",
        Audit,
        "revoke --cpus 2 --mem 16 --audit",
    ),
    ("skip-stop", Audit, AUDITED),
    ("skip-wake", Audit, "forktree --cpus 2 --mem 16 --audit"),
    ("skip-zero", Audit, "forktree --cpus 2 --mem 16 --audit"),
    ("stale-fpu", Audit, "jobfpu --cpus 2 --mem 16 --audit"),
    ("stale-id", Explore, "stale --seeds 10 --bound 0"),
    ("stop-clock", Bug, PROMISED),
    ("stop-idle-timer", Audit, "sleepers --cpus 2 --audit"),
    (
        "stop-timer",
        Audit,
        "pingpong --cpus 1 --audit --append quantum=20",
    ),
    ("survive-fault", Lines, "breakpoint --cpus 1"),
    ("trust-pointer", Lines, "buggyhello --cpus 1"),
    ("wrong-word", Lines, "pingpong --cpus 1"),
    ("yield-returns", Lines, "spin --cpus 1"),
    ("zero-fault-va", Lines, "faultdie --cpus 1"),
];
const PROMISED: &str = "promised --cpus 2 --mem 16 --personality lab6";
const SHARES: &str = "shares 20 --cpus 2 --append \"sched=stride quantum=500\"";
const PRIORITIES: &str = "priorities --cpus 1 --append sched=priority";
const AUDITED: &str = "promised --cpus 2 --mem 8 --personality lab6 --audit";

/// The page with the table.
const PAGE: &str = "docs/planted.md";

/// A case for each bug, one for each command without a bug, and the table.
pub fn trials() -> impl Iterator<Item = Trial> {
    let each = FINDINGS.iter().map(|&(bug, found, words)| {
        Trial::test(format!("planted::without_qemu::{bug}"), move || {
            is_found(bug, found, words)
        })
    });
    let commands = FINDINGS.iter().map(|&(_, found, words)| (words, found));
    let commands: BTreeMap<&str, Found> = commands.collect();
    let twins = commands.into_iter().map(|(words, found)| {
        let name = words.replace("--", "").replace(' ', "_");
        Trial::test(
            format!("planted::without_qemu::no_bug::{name}"),
            move || is_not_found(found, words),
        )
    });
    each.chain(twins)
        .chain([Trial::test("planted::without_qemu::table", table)])
}

fn is_found(bug: &str, found: Found, words: &str) -> Result<(), Failed> {
    let tool = host_of_simulations()?.planted_tool();
    let tool = tool.map_err(|error| error.to_string())?;
    let plant = format!("plant={bug}");
    if found == Explore {
        let output = explore(
            plants::tool::command(&Workspace::locate(), tool),
            words,
            &plant,
        )?;
        status_is(1, &output)?;
        return says(&output, "found after ");
    }
    let boot = boot(words, &plant)?;
    let mut wrong = Vec::new();
    if found != Audit && *boot.verdict() != Verdict::Clean {
        wrong.push(format!("ended with {:?}", boot.verdict()));
    }
    let is_found = match found {
        Audit => boot.messages().contains("the kernel's state is broken at "),
        Bug => boot.console().contains(": BUG: "),
        Lines | Explore => !complaints(words, &boot)?.is_empty(),
    };
    if !is_found {
        wrong.push(format!("{bug} went unnoticed"));
    }
    boot.judge(&wrong)
}

/// The same on the tree's own kernel.
fn is_not_found(found: Found, words: &str) -> Result<(), Failed> {
    if found == Explore {
        let output = explore(Command::new(env!("CARGO_BIN_EXE_jostle")), words, "")?;
        status_is(0, &output)?;
        return says(&output, "no failure");
    }
    let boot = boot(words, "")?;
    boot.judge(&complaints(words, &boot)?)
}

/// Runs what the words say, with one more argument for the kernel.
fn boot(words: &str, plant: &str) -> Result<Boot, String> {
    let (words, own) = words.split_once(" --append ").unwrap_or((words, ""));
    let append = format!("{} {plant}", own.trim_matches('"'));
    let further = [
        "--machine=sim",
        "--timeout",
        LIMIT_SECONDS,
        "--append",
        &append,
    ];
    let words: Vec<&str> = words.split(' ').chain(further).collect();
    Boot::new(&words)
}

/// What is wrong with a run: by the rules of the program's own test.
fn complaints(words: &str, boot: &Boot) -> Result<Vec<String>, Failed> {
    let mut words = words.split(' ');
    let name = words.next().ok_or("no program")?;
    if scheduling::is_program(name) {
        return Ok(scheduling::bugs(boot));
    }
    let cpus = words.nth(1).ok_or("no number of CPUs")?.parse()?;
    let program = PROGRAMS.iter().find(|program| program.name == name);
    let program = program.ok_or_else(|| format!("no test of {name}"))?;
    Ok(program.complaints(cpus, boot))
}

fn explore(mut tool: Command, words: &str, append: &str) -> Result<Output, Failed> {
    let name = format!("jostle-planted-{}-{append}.schedule", std::process::id());
    let file = std::env::temp_dir().join(name);
    tool.arg("explore").args(words.split(' '));
    tool.args(["--append", append, "--save"]).arg(&file);
    let output = tool.stdin(Stdio::null()).output()?;
    let _ = std::fs::remove_file(&file);
    Ok(output)
}

fn says(output: &Output, wanted: &str) -> Result<(), Failed> {
    let said = String::from_utf8_lossy(&output.stdout);
    match said.contains(wanted) {
        true => Ok(()),
        false => Err(format!("no {wanted:?} in:\n{said}").into()),
    }
}

/// The table has every planted bug once and nothing else; and in the row of one that is
/// found here stands the command that finds it.
fn table() -> Result<(), Failed> {
    let workspace = Workspace::locate();
    let text = std::fs::read_to_string(workspace.root().join(PAGE))?;
    let plants = Plants::read(&workspace).map_err(|error| error.to_string())?;
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows: Vec<(&str, &str)> = rows.filter_map(|row| row.split_once("` |")).collect();
    let named: BTreeSet<&str> = rows.iter().map(|(bug, _)| *bug).collect();
    let known: BTreeSet<&str> = plants.names().collect();
    let mut wrong: Vec<String> = named
        .symmetric_difference(&known)
        .map(|bug| format!("{bug}: only in one of the table and plants/"))
        .collect();
    if rows.len() != named.len() {
        wrong.push("a bug stands twice".to_owned());
    }
    for (bug, rest) in rows {
        let finding = FINDINGS.iter().find(|(found, ..)| *found == bug);
        let is_right = match finding {
            Some((_, Explore, words)) => rest.contains(&format!("`explore {words}`")),
            Some((_, _, words)) => rest.contains(&format!("`run {words}`")),
            None => rest.contains(" not found: "),
        };
        if !is_right {
            wrong.push(format!("{bug}: not the command that finds it here"));
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{PAGE}:\n{}", wrong.join("\n")).into()),
    }
}
