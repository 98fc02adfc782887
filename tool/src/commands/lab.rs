//! `jostle lab`: exercises that are holes in the living tree.
//!
//! What they are is in [`crate::labs`]. The hard thing here is a status on which a grader
//! can rely: 0 only if all that was asked for has passed, 1 if something has not, 2 if
//! nothing could be tested because of what was asked.

use std::path::Path;

use super::new::check_empty;
use crate::cli::{Checking, LabCommand, LabDeed};
use crate::labs::language::Language;
use crate::labs::{self, Lab, check, folder, mark, outcome};
use crate::quoting::shell_word;
use crate::report::result;
use crate::status::{self, usage};
use crate::workspace::Workspace;

/// Does it.
pub fn lab(options: &LabCommand) -> anyhow::Result<u8> {
    let workspace = Workspace::locate();
    match &options.deed {
        LabDeed::List => list(&workspace),
        LabDeed::New { lab, folder, in_c } => {
            let language = match in_c {
                true => Language::C,
                false => Language::Rust,
            };
            new(&workspace, lab, language, folder)
        }
        LabDeed::Check {
            folder,
            exercise,
            how,
        } => {
            let exercises: Vec<&str> = exercise.iter().map(String::as_str).collect();
            check_folder(&workspace, folder, &exercises, *how)
        }
    }
}

fn list(workspace: &Workspace) -> anyhow::Result<u8> {
    let mut text = String::new();
    for lab in labs::all(workspace)? {
        let option = lab.language.option();
        text += &format!(
            "{}{option}: {} ({} points)\n",
            lab.name,
            lab.title,
            lab.points()
        );
        for exercise in &lab.exercises {
            let (name, points, title) = (&exercise.name, exercise.points, &exercise.title);
            text += &format!("  {name:<16}{points:>3}  {title}\n");
        }
    }
    result(text);
    Ok(status::CLEAN)
}

fn new(workspace: &Workspace, name: &str, language: Language, folder: &Path) -> anyhow::Result<u8> {
    let lab = labs::find(workspace, name, language)?;
    check_empty(folder)?;
    check_outside(workspace, folder)?;
    folder::make(workspace, &lab, folder)?;
    let jostle = shell_word(workspace.script().as_os_str());
    let shown = shell_word(folder.as_os_str());
    result(format_args!(
        "{shown}: lab {name}{}, {}\n\
         what to do: LAB.md there\n\
         check it:   {jostle} lab check {shown}\n",
        language.option(),
        exercises(&lab)
    ));
    Ok(status::CLEAN)
}

fn exercises(lab: &Lab) -> String {
    let points = lab.points();
    match lab.exercises.len() {
        1 => format!("1 exercise for {points} points"),
        count => format!("{count} exercises for {points} points"),
    }
}

/// A tree within the tree would be a part of it.
fn check_outside(workspace: &Workspace, folder: &Path) -> anyhow::Result<()> {
    let whole = std::path::absolute(folder)?;
    match whole.starts_with(workspace.root()) && !whole.starts_with(workspace.target()) {
        true => Err(usage(format_args!(
            "{}: in the tree itself; a lab wants a folder elsewhere",
            folder.display()
        ))),
        false => Ok(()),
    }
}

/// Checks these exercises of a folder, all if none is named. `grade` does the same.
pub fn check_folder(
    workspace: &Workspace,
    folder: &Path,
    names: &[&str],
    how: Checking,
) -> anyhow::Result<u8> {
    // First, for whoever asks in the folder itself.
    let labs = labs::all(workspace)?;
    let (name, language) = mark::lab_of(folder)?;
    let is_this = |lab: &&Lab| lab.name == name && lab.language == language;
    let Some(lab) = labs.iter().find(is_this) else {
        return Err(usage(format_args!(
            "{}: of lab {name:?}{}, which this tree has not",
            folder.display(),
            language.option()
        )));
    };
    let mut exercises = Vec::new();
    for name in names {
        exercises.push(lab.exercise(name)?);
    }
    if names.is_empty() {
        exercises.extend(&lab.exercises);
    }
    let outcomes = check::check(workspace, lab, &exercises, folder, how.qemu)?;
    match how.json {
        true => result(format_args!("{:#}\n", outcome::json(&outcomes))),
        false => result(outcome::text(&outcomes)),
    }
    Ok(match outcome::all_passed(&outcomes) {
        true => status::CLEAN,
        false => status::FAILURE,
    })
}
