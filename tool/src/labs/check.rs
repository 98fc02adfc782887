//! Checks what a student has written.
//!
//! It is built in a copy of the tree, like planted bugs: the tree with the lab's holes, and
//! in it those of the student's files that have holes. So whatever else was changed in the
//! folder, tests and tools included, counts for nothing; and as all folders are checked in
//! the same copy, the next one builds only what depends on its files.
//!
//! The hard thing is code that may do anything. It may not compile, and it may not end; then
//! exercises fail, and the check does not.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::catalogue::Lab;
use super::exercise::{Exercise, Test};
use super::language::Language;
use super::outcome::Outcome;
use super::{folder, judge, mark, markers};
use crate::build::guest::{Kernel, built};
use crate::build::plan::Plan;
use crate::build::{c, inner_cargo};
use crate::external;
use crate::host::Host;
use crate::host_cargo;
use crate::plants::{Files, copy};
use crate::report::note;
use crate::status::usage;
use crate::workspace::Workspace;

/// The package with the tests of the core, and the test that they are in.
const CORE_TESTS: (&str, &str) = ("sim", "lab");

/// Checks these exercises of a lab in a student's folder; with `qemu`, programs that pass on
/// the simulated machine run there as well.
pub fn check<'e>(
    workspace: &Workspace,
    lab: &'e Lab,
    exercises: &[&'e Exercise],
    folder: &Path,
    qemu: bool,
) -> anyhow::Result<Vec<Outcome<'e>>> {
    let place = workspace.labs();
    if qemu && external::QEMU.find().is_none() {
        return Err(usage("--qemu: there is none; `jostle setup qemu` gets it"));
    }
    if lab.language == Language::C {
        c::needed().map_err(usage)?;
    }
    // What is wrong with the folder is said at once.
    let (files, begun) = gathered(workspace, lab, folder)?;
    let _turn = turn(&place)?;
    copy::write(place.root(), &files)?;
    let core = exercises.iter().any(|exercise| exercise.is_about_core());
    let core = core.then(|| host_cargo::build_test(&place, CORE_TESTS.0, CORE_TESTS.1));
    let programs: BTreeSet<&str> = exercises
        .iter()
        .flat_map(|known| known.programs())
        .collect();
    if !programs.is_empty() {
        // What tries them is the tree's own. If that cannot be built, nobody has failed.
        Host::without_emulator()?.guest(Kernel::Plain)?;
    }
    let programs = build_programs(workspace, &place, &programs, lab.language);
    let built = Built {
        language: lab.language,
        core,
        programs,
        place,
        begun,
        qemu,
    };
    exercises
        .iter()
        .map(|exercise| built.judge(exercise))
        .collect()
}

/// Only one check at a time can have the copy.
fn turn(place: &Workspace) -> anyhow::Result<File> {
    let cannot = || format!("cannot write in {}", place.target().display());
    fs::create_dir_all(place.target()).with_context(cannot)?;
    let file = File::create(place.target().join("check.lock")).with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            note("another folder is being checked; this one is next");
            file.lock().with_context(cannot)?;
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
    }
    Ok(file)
}

/// The files of the copy, with the student's among them, and the exercises for which
/// something is written there.
fn gathered(
    workspace: &Workspace,
    lab: &Lab,
    folder: &Path,
) -> anyhow::Result<(Files, BTreeSet<String>)> {
    let exercises: Vec<&Exercise> = lab.exercises.iter().collect();
    let (mut files, taken) = folder::with_holes(workspace, &exercises)?;
    let mut begun = BTreeSet::new();
    for path in taken {
        let text = mark::text(&folder.join(&path))?;
        let at_first = files.get(&path).map(|file| String::from_utf8_lossy(file));
        begun.append(&mut markers::begun(&text, &at_first.unwrap_or_default()));
        files.insert(path, text.into_bytes());
    }
    Ok((files, begun))
}

/// Builds programs with the student's library. In C it is compiled with each of them, and
/// the first tells what does not compile.
fn build_programs(
    workspace: &Workspace,
    place: &Workspace,
    programs: &BTreeSet<&str>,
    language: Language,
) -> anyhow::Result<()> {
    if programs.is_empty() {
        return Ok(());
    }
    let plan = Plan::make(workspace)?;
    if language == Language::C {
        return programs.iter().try_for_each(|name| {
            let file = place.c_examples().join(name).with_extension("c");
            c::build(place, &plan, &[file], name, &program_in_c(place, name))
                .context("c/lib could not be built; the compiler's messages say why")
        });
    }
    let bins = programs.iter().flat_map(|name| ["--bin", name]);
    let packages: Vec<&str> = ["-p", "programs"].into_iter().chain(bins).collect();
    inner_cargo::build(place, &plan, "guest", &packages)
}

/// Where a program in C is that was built for a check.
fn program_in_c(place: &Workspace, name: &str) -> PathBuf {
    place.target().join("c").join(name)
}

/// What was built of a student's files.
struct Built {
    /// The tests of the core, if they are wanted.
    core: Option<anyhow::Result<PathBuf>>,
    programs: anyhow::Result<()>,
    /// What they are in.
    language: Language,
    place: Workspace,
    /// The exercises for which something is written.
    begun: BTreeSet<String>,
    /// Whether programs run in QEMU, too.
    qemu: bool,
}

impl Built {
    fn program(&self, name: &str) -> PathBuf {
        match self.language {
            Language::Rust => built(&self.place).program(name),
            Language::C => program_in_c(&self.place, name),
        }
    }

    fn judge<'e>(&self, exercise: &'e Exercise) -> anyhow::Result<Outcome<'e>> {
        let mut failures = Vec::new();
        for test in &exercise.tests {
            match test {
                Test::Core(module) => match &self.core {
                    Some(Ok(program)) => {
                        failures.extend(judge::core(program, module, self.place.root())?);
                    }
                    Some(Err(error)) => failures.push(error.to_string()),
                    None => {}
                },
                Test::Program { words, prints } => match &self.programs {
                    Ok(()) => {
                        let file = self.program(&words[0]);
                        let mut wrong = judge::program(&file, &words[1..], prints)?;
                        if wrong.is_none() && self.qemu {
                            wrong = judge::in_qemu(&file, &words[1..], prints)?;
                        }
                        failures.extend(wrong);
                    }
                    Err(error) => failures.push(error.to_string()),
                },
            }
        }
        let begun = self.begun.contains(&exercise.name);
        Ok(Outcome {
            exercise,
            begun,
            failures,
        })
    }
}
