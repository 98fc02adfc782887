//! The code that is explored is the code that boots: a recorded run, given to
//! the core on the host, makes the same steps and prints the same bytes.

use libtest_mimic::{Failed, Trial};

use crate::boot::{Boot, host};
use crate::programs::{LIMIT_SECONDS, PROGRAMS, Program};

/// Whose record takes longer to write than is worth while: 300 environments.
const LONG: &str = "primes";

/// Every program once, on the four CPUs that give its environments most to
/// race for.
pub fn trials() -> impl Iterator<Item = Trial> {
    let each = PROGRAMS.iter().filter(|program| program.name != LONG);
    let each = each.map(|&program| {
        Trial::test(format!("replay::{}", program.name), move || {
            is_repeated(&program)
        })
    });
    each.chain([Trial::test(
        "replay::tells_a_changed_record",
        changed_record,
    )])
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
    let cpus = CPUS.to_string();
    let boot = Boot::new(&[
        program.name,
        "--cpus",
        &cpus,
        "--timeout",
        LIMIT_SECONDS,
        "--record",
        &file,
    ])?;
    let mut complaints = boot.complaints(&program.expect(CPUS));
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
