//! The code that is explored is the code that boots: a recorded run, given to
//! the core on the host, makes the same steps and prints the same bytes.

use jostle::expect::Expect;
use jostle::qemu::verdict::Verdict;
use libtest_mimic::Failed;
use witness::record::BARE_SIZE;

use crate::boot::{Boot, host};
use crate::console::nothing_left;
use crate::foreign::image::{self, EXECUTE, READ, Segment};
use crate::programs::{LIMIT_SECONDS, PROGRAMS, Program};
use crate::trial::Trial;

/// Every program once, on the four CPUs that give its environments most to
/// race for.
pub fn trials() -> impl Iterator<Item = Trial> {
    let each = PROGRAMS.iter().map(|&program| {
        Trial::test(format!("replay::{}", program.name), move || {
            is_repeated(&program)
        })
    });
    each.chain([
        Trial::test("replay::tells_a_changed_record", changed_record),
        Trial::test("replay::of_a_run_that_was_killed", killed),
        Trial::test("replay::when_the_memory_is_full", full),
        Trial::test("replay::without_its_device", no_device),
    ])
}

/// One byte changed anywhere must be noticed. (A record says which fault its
/// kernel had, so a faulty kernel's is repeated like any other.)
fn changed_record() -> Result<(), Failed> {
    /// A prime, so that every field of the records is met sooner or later.
    const STRIDE: usize = 61;
    let file = record_file("changed")?;
    let boot = Boot::new(&["hello", "--timeout", LIMIT_SECONDS, "--record", &file])?;
    let good = std::fs::read(&file)?;
    let unnoticed = (0..good.len()).step_by(STRIDE).filter(|&position| {
        let mut changed = good.clone();
        changed[position] ^= 0x10;
        sim::replay::replay(&changed).is_ok()
    });
    let complaints: Vec<String> = unnoticed
        .map(|position| format!("byte {position} was changed and nobody noticed"))
        .collect();
    boot.judge(&complaints)
}

/// Where a record goes; kept, so that a failed one can be looked at.
fn record_file(name: &str) -> Result<String, Failed> {
    let folder = host()?.workspace.target().join("records");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(name);
    Ok(file
        .to_str()
        .ok_or("the workspace's path is not text")?
        .to_owned())
}

fn is_repeated(program: &Program) -> Result<(), Failed> {
    const CPUS: u32 = 4;
    let file = record_file(program.name)?;
    let words = program.words(CPUS, "");
    // A race is what is to be recorded.
    let words = words.iter().filter(|word| *word != "--icount");
    let further = ["--timeout", LIMIT_SECONDS, "--record", &file];
    let words: Vec<&str> = words.map(String::as_str).chain(further).collect();
    let boot = Boot::new(&words)?;
    // What measures time says something else while a record is written.
    let expect = if program.measures {
        Expect::new().in_order(nothing_left())
    } else {
        program.expect(CPUS)
    };
    let mut complaints = boot.complaints(&expect);
    match sim::replay::replay(&std::fs::read(&file)?) {
        Err(difference) => complaints.push(format!("{difference}(see ./jostle replay {file})")),
        Ok(report) => {
            if !report.ended {
                complaints.push("the record is cut off".to_owned());
            }
            // The console begins with what the hardware half prints at boot.
            if report.output.is_empty() || !boot.bytes().ends_with(&report.output) {
                let output = String::from_utf8_lossy(&report.output);
                complaints.push(format!("the replay printed something else:\n{output}"));
            }
        }
    }
    boot.judge(&complaints)
}

/// What is wrong with the record of a run that must be cut off behind so many
/// steps, but no sooner.
fn cut_off(file: &str, steps: u64) -> Result<Vec<String>, Failed> {
    Ok(match sim::replay::replay(&std::fs::read(file)?) {
        Err(difference) => vec![difference.to_string()],
        Ok(report) if report.ended || report.steps < steps => {
            vec![format!("not cut off, or too soon:\n{report}")]
        }
        Ok(_) => Vec::new(),
    })
}

/// A jump to itself.
const ENDLESS: [u8; 2] = [0xeb, 0xfe];

/// A run that would never end.
fn killed() -> Result<(), Failed> {
    let file = record_file("killed")?;
    let program = format!("{file}.elf");
    let start = 0x0080_0020;
    let segment = Segment::load(start, READ | EXECUTE, ENDLESS.into());
    std::fs::write(&program, image::file(start, &[segment], &[]))?;
    let words = [&*program, "--cpus", "1"];
    let limit = ["--timeout", "3", "--record", &file];
    let boot = Boot::new(&[&words[..], &limit[..]].concat())?;
    let mut complaints = cut_off(&file, 20)?;
    if !matches!(boot.verdict(), Verdict::TimeLimit) {
        complaints.push(format!("ended with {:?}", boot.verdict()));
    }
    boot.judge(&complaints)
}

/// The log ends, the run does not, and somebody is told.
fn full() -> Result<(), Failed> {
    let file = record_file("full")?;
    let words = ["primes", "--cpus", "2", "--timeout", LIMIT_SECONDS];
    let words = [&words[..], &["--record", &file]].concat();
    let boot = Boot::on(&words, |machine| {
        for log in &mut machine.logs {
            log.mib = 1;
        }
    })?;
    let mut complaints = boot.complaints(&Expect::new().in_order(nothing_left()));
    complaints.extend(cut_off(&file, 1000)?);
    let len = std::fs::metadata(&file)?.len();
    // And the mark of its end.
    if len != (1 << 20) - 4096 + BARE_SIZE as u64 {
        complaints.push(format!("{len} bytes of 1 MiB but a page"));
    }
    if !boot
        .remarks()
        .iter()
        .any(|line| line.contains("want of room"))
    {
        complaints.push(format!("said of it: {:?}", boot.remarks()));
    }
    boot.judge(&complaints)
}

/// A log does not go to another one's memory.
fn no_device() -> Result<(), Failed> {
    let file = record_file("alone")?;
    let words = ["hello", "--timeout", LIMIT_SECONDS, "--record", &file];
    let traced = Boot::new(&[&words[..], &["--append", "trace=on"]].concat())?;
    let mut complaints = Vec::new();
    if !traced.console().contains("trace: no log device") {
        complaints.push("the trace has gone somewhere".to_owned());
    }
    if !sim::replay::replay(&std::fs::read(&file)?).is_ok_and(|report| report.ended) {
        complaints.push("the record is not whole".to_owned());
    }
    traced.judge(&complaints)?;
    let boot = Boot::new(&["hello", "--append", "record=on", "--timeout", LIMIT_SECONDS])?;
    let console = boot.console();
    let complaints = match console.contains("record: no log device") {
        true if console.contains("hello, world") => vec![],
        _ => vec!["nothing is said, or nothing runs".to_owned()],
    };
    boot.judge(&complaints)
}
