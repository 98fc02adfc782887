//! Runs the tests of an exercise, and says in words which failed.
//!
//! The hard thing is a kernel that does not come back from a call. The simulated machine
//! waits for it, so the tests get a limit of CPU time, far beyond what they need: what comes
//! out does not depend on how busy this machine is.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use schedules::Criteria;
use schedules::failure::is_death;

use crate::child_process;

/// Seconds of CPU time for the tests of an exercise, which take a few; and for a program in
/// QEMU, which takes less than one.
const LIMIT: u32 = 60;
/// CPUs, and schedules, on which a program is tried.
const CPUS: u32 = 2;
const SCHEDULES: u32 = 50;

/// What failed of the tests of a module, which `program` holds.
pub fn core(program: &Path, module: &str, folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut command = child_process::command("sh");
    command
        .args(["-c", "ulimit -t \"$0\" && exec \"$@\""])
        .arg(LIMIT.to_string())
        .arg(program)
        .args([&format!("{module}::"), "--test-threads=1"])
        .env_remove("RUST_BACKTRACE")
        .current_dir(folder)
        .stdin(Stdio::null());
    let output = command.output().context("cannot start the tests")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        if said.contains("test result: ok. 0 passed") {
            bail!("sim/tests/lab has no tests in {module}");
        }
        return Ok(Vec::new());
    }
    let failures = failures(&said);
    if failures.is_empty() {
        let last = said.lines().rfind(|line| line.starts_with("test "));
        let during = last.map_or(module, |line| line.trim_start_matches("test "));
        let during = during.split(" ... ").next().unwrap_or(during);
        return Ok(vec![format!(
            "{during}: it does not end: after {LIMIT} seconds of work it was stopped ({})",
            output.status
        )]);
    }
    Ok(failures)
}

/// The failures that Rust's harness tells: the name of each test, and what it says.
fn failures(said: &str) -> Vec<String> {
    let blocks = said.split("\n---- ").skip(1);
    blocks
        .filter_map(|block| {
            let (name, rest) = block.split_once(" stdout ----\n")?;
            let (head, message) = rest.split_once(":\n")?;
            // Where it was, unless that is the test itself, which says what is wrong.
            let place = head.split_once("panicked at ").map(|(_, place)| place);
            let place = place.filter(|place| !place.starts_with("sim/tests/"));
            let at = place.map_or_else(String::new, |place| format!(" (at {place})"));
            Some(format!("{name}: {}{at}", in_words(message)))
        })
        .collect()
}

/// A message of the harness: what was found, and what was expected. Lines that are set in
/// remain lines.
fn in_words(message: &str) -> String {
    let end = |line: &&str| !line.is_empty() && !line.starts_with("note: ");
    let mut text = String::new();
    for line in message.lines().take_while(end) {
        let compared = "assertion `left == right` failed: ";
        if let Some(found) = line.strip_prefix("  left: ") {
            text += &format!("; found {found}");
        } else if let Some(wanted) = line.strip_prefix(" right: ") {
            text += &format!(", not {wanted}");
        } else if line.starts_with("  ") {
            text += &format!("\n{line}");
        } else {
            text += line.strip_prefix(compared).unwrap_or(line);
        }
    }
    text
}

/// How a program of the student's library fails, on the tree's own kernel.
pub fn program(file: &Path, words: &[String], prints: &[String]) -> anyhow::Result<Option<String>> {
    let mut command = child_process::command(std::env::current_exe()?);
    command
        .args(["try", "--shortest"])
        .arg(format!("--schedules={SCHEDULES}"))
        .arg(format!("--cpus={CPUS}"))
        .args(prints.iter().map(|line| format!("--prints={line}")))
        .arg("--")
        .arg(file)
        .args(words)
        .stdin(Stdio::null());
    let output = command.output().context("cannot start `jostle try`")?;
    if output.status.success() {
        return Ok(None);
    }
    let said = [&output.stderr[..], &output.stdout[..]].concat();
    let said = String::from_utf8_lossy(&said).trim_end().to_owned();
    let name = file.file_name().unwrap_or_default().display();
    Ok(Some(format!("{name}: {said}")))
}

/// The same in QEMU, once: there nobody chooses a schedule.
pub fn in_qemu(file: &Path, words: &[String], prints: &[String]) -> anyhow::Result<Option<String>> {
    let mut command = child_process::command(std::env::current_exe()?);
    command
        .args(["run", "--machine=qemu", &format!("--timeout={LIMIT}")])
        .arg(format!("--cpus={CPUS}"))
        .arg("--")
        .arg(file)
        .args(words)
        .stdin(Stdio::null());
    let output = command.output().context("cannot start `jostle run`")?;
    let console = String::from_utf8_lossy(&output.stdout);
    let wrong = wrong_console(&console, prints).or_else(|| match output.status.success() {
        true => None,
        false => Some(format!("it ends with {}", output.status)),
    });
    let name = file.file_name().unwrap_or_default().display();
    let console = console.trim_end().replace('\n', "\n  ");
    Ok(wrong.map(|wrong| format!("{name} in QEMU: {wrong}\n  {console}")))
}

/// What is wrong with what was printed.
fn wrong_console(console: &str, prints: &[String]) -> Option<String> {
    if console.lines().any(is_death) {
        return Some("an environment is killed".to_owned());
    }
    let criteria = Criteria {
        line: &|_| false,
        prints,
        hang: false,
        audit: false,
        most: 0,
    };
    let printed = console.lines().fold(0, |printed, line| {
        let next = prints.get(printed);
        printed + usize::from(next.is_some_and(|text| line.contains(text)))
    });
    criteria.missing(printed).map(|failure| failure.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_the_words_of_its_test() {
        let said = "\nrunning 3 tests\ntest a::good ... ok\ntest a::bad ... FAILED\n\nfailures:\n\n\
            ---- a::bad stdout ----\n\nthread 'a::bad' (1) panicked at sim/tests/lab/a.rs:1:2:\n\
            assertion `left == right` failed: it must be so\n  left: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1`\n\n\
            ---- a::worse stdout ----\n\nthread 'a::worse' (1) panicked at kcore/src/f.rs:7:5:\n\
            overflow\n\n---- a::long stdout ----\n\nthread 'a::long' (1) panicked at sim/tests/lab/a.rs:1:2:\n\
            the way:\n  one\n  two\n\n\nfailures:\n    a::bad\n";
        assert_eq!(
            failures(said),
            [
                "a::bad: it must be so; found 1, not 2",
                "a::worse: overflow (at kcore/src/f.rs:7:5)",
                "a::long: the way:\n  one\n  two"
            ]
        );
    }

    #[test]
    fn a_console_is_wrong_in_one_way() {
        let wrong = |console: &str| wrong_console(console, &["a".into(), "b".into()]);
        assert_eq!(wrong("a\nb\n"), None);
        let missing = "it does not print \"b\" after \"a\"";
        assert_eq!(wrong("b\na\n").as_deref(), Some(missing));
        let killed = "a\nb\n[00001000] user fault va 00000000 ip 0080003b\n";
        assert_eq!(wrong(killed).as_deref(), Some("an environment is killed"));
    }
}
