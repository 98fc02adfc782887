//! The programs that measure: on a kernel without extensions, and by the clock.
//!
//! The hard thing is to test a measurement without believing it: how long something took on
//! a busy machine says nothing, so only the form is looked at, and that no row is missing.

use jostle::commands::bench::account::traceable;
use jostle::commands::bench::wall;
use libtest_mimic::Failed;

use crate::boot::{Boot, host};
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

/// The rows that need an extension.
const EXTENSIONS: [&str; 2] = ["null-sysenter", "call"];

/// A case for each of the two programs, and two by the clock.
pub fn trials() -> impl Iterator<Item = Trial> {
    [
        Trial::test("bench::as_on_jos", || measures_as_on_jos("bench")),
        Trial::test("benchfork::as_on_jos", || measures_as_on_jos("benchfork")),
        Trial::test("bench::wall_has_all_rows", wall_has_all_rows),
        Trial::test("benchscale::has_all_rows", scale_has_all_rows),
    ]
    .into_iter()
}

/// Where the kernel offers nothing that JOS's lacks, each row has its figures, or says that
/// it cannot have any.
fn measures_as_on_jos(program: &str) -> Result<(), Failed> {
    let options = ["--append", "lifecycle=off extensions=off", "--icount"];
    let machine = ["--cpus", "1", "--timeout", LIMIT_SECONDS];
    let boot = Boot::new(&[&[program][..], &options, &machine].concat())?;
    let console = boot.console();
    let rows = traceable().filter(|(of, _)| of.words[0] == program);
    let mut complaints = boot.complaints(&jostle::expect::Expect::default());
    for (_, row) in rows {
        let name = row.guest_name();
        let wanted = match EXTENSIONS.contains(&name) {
            true => format!("bench {name} not offered"),
            false => format!("bench {name} min "),
        };
        if !console.lines().any(|line| line.starts_with(&wanted)) {
            complaints.push(format!("no line begins with {wanted:?}"));
        }
    }
    boot.judge(&complaints)
}

fn wall_has_all_rows() -> Result<(), Failed> {
    let times = wall::measure(host()?, false).map_err(|error| format!("{error:#}"))?;
    let table = wall::table(&times);
    let missing: Vec<&str> = traceable()
        .map(|(_, row)| row.name)
        .filter(|name| !table.contains(name))
        .collect();
    match missing.is_empty() && times.iter().all(|row| row.figures.min > 0) {
        true => Ok(()),
        false => Err(format!("no {missing:?} in:\n{table}").into()),
    }
}

fn scale_has_all_rows() -> Result<(), Failed> {
    let scaled = wall::scale(host()?, 2, false).map_err(|error| format!("{error:#}"))?;
    let table = wall::scaling_table(&scaled);
    let whole = scaled.len() == 4
        && scaled
            .iter()
            .all(|row| row.ticks.iter().all(|&ticks| ticks > 0));
    match whole {
        true => Ok(()),
        false => Err(table.into()),
    }
}
