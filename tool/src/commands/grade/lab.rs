//! `jostle grade` of a folder that `jostle lab new` has made: what `lab check` does.
//!
//! The hard thing is that options of the one kind of folder mean nothing for the other, and
//! a grade that ignores what was asked for is worse than none.

use crate::cli::Grade;
use crate::commands::lab::check_folder;
use crate::regular_file::refusal;
use crate::status::usage;
use crate::workspace::Workspace;

/// Grades it, by the tests of its exercises.
pub fn grade(options: &Grade) -> anyhow::Result<u8> {
    let given = [
        (options.lab.is_some(), "--lab"),
        (options.edition.is_some(), "--edition"),
        (options.cpus.is_some(), "--cpus"),
        (options.keep.is_some(), "--keep"),
        (options.verbose, "--verbose"),
    ];
    if let Some((_, option)) = given.iter().find(|(given, _)| *given) {
        let why = format_args!("the folder of a lab: no {option} for it");
        return Err(refusal(&options.folder, why));
    }
    let mut names = Vec::new();
    for name in &options.tests {
        let text = name.to_str();
        names.push(text.ok_or_else(|| usage(format_args!("{}: no exercise", name.display())))?);
    }
    check_folder(&Workspace::locate(), &options.folder, &names, options.how)
}

/// Refuses what only labs have.
pub fn refuse_for_courses(options: &Grade) -> anyhow::Result<()> {
    let given = [(options.how.json, "--json"), (options.how.qemu, "--qemu")];
    match given.iter().find(|(given, _)| *given) {
        Some((_, option)) => Err(refusal(
            &options.folder,
            format_args!("not the folder of a lab: no {option} for it"),
        )),
        None => Ok(()),
    }
}
