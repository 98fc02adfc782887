//! The folder that a student works in: the tree with holes, and a page that says what to do.
//!
//! It is a whole tree, so all that works here works there, on what the student has written:
//! `./jostle run`, `debug`, `cargo test -p sim --test lab`. The hard thing is what it must
//! not hold: `labs/` and `plants/` are left out, and no file has a solution of this lab.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::catalogue::{FOLDER, Lab, PROGRAMS};
use super::exercise::Exercise;
use super::language::Language;
use super::{mark, markers};
use crate::plants::{Files, copy};
use crate::quoting::shell_word;
use crate::workspace::Workspace;

/// Says what is to be done.
const PAGE: &str = "LAB.md";
/// Folders of the tree that belong to the folder, though nothing is built from them.
const FURTHER: [&str; 1] = ["docs"];

/// The tree with the holes of these exercises, and the files that have them.
pub fn with_holes(
    workspace: &Workspace,
    exercises: &[&Exercise],
) -> anyhow::Result<(Files, Vec<PathBuf>)> {
    let mut files = copy::tree(workspace.root())?;
    let taken = markers::cut(&mut files, exercises).map_err(anyhow::Error::msg)?;
    let programs = workspace.root().join(FOLDER).join(PROGRAMS);
    let mut further = Files::new();
    copy::read(&programs, Path::new(""), &mut further)?;
    for (file, bytes) in further {
        files.insert(Language::place_of_program(&file), bytes);
    }
    Ok((files, taken.into_iter().collect()))
}

/// Makes the folder, which must be empty or not exist.
pub fn make(workspace: &Workspace, lab: &Lab, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let exercises: Vec<&Exercise> = lab.exercises.iter().collect();
    let (mut files, taken) = with_holes(workspace, &exercises)?;
    for name in FURTHER {
        copy::read(&workspace.root().join(name), Path::new(name), &mut files)?;
    }
    files.insert(
        mark::FILE.into(),
        mark::written(workspace, &lab.name, lab.language)?.into_bytes(),
    );
    files.insert(PAGE.into(), page(workspace, lab, &taken).into_bytes());
    files.insert(".gitignore".into(), b"target/\n".to_vec());
    let existed = folder.exists();
    let written = write(workspace, folder, &files);
    if written.is_err() {
        // The error that led here is told.
        let _ = fs::remove_dir_all(folder);
        let _ = existed.then(|| fs::create_dir(folder));
    }
    written.map(|()| taken)
}

fn write(workspace: &Workspace, folder: &Path, files: &Files) -> anyhow::Result<()> {
    for (path, bytes) in files {
        let to = folder.join(path);
        let cannot = || to.display().to_string();
        if let Some(above) = to.parent() {
            fs::create_dir_all(above).with_context(cannot)?;
        }
        fs::write(&to, bytes).with_context(cannot)?;
        // Some can be started.
        if let Ok(from) = fs::metadata(workspace.root().join(path)) {
            fs::set_permissions(&to, from.permissions()).with_context(cannot)?;
        }
    }
    Ok(())
}

/// The statements of all exercises, their hints, and how to begin.
fn page(workspace: &Workspace, lab: &Lab, taken: &[PathBuf]) -> String {
    let jostle = shell_word(workspace.script().as_os_str());
    let list: String = taken
        .iter()
        .map(|path| format!("- `{}`\n", path.display()))
        .collect();
    let mut page = format!(
        "# {}\n\n{}\n\nWhat you write goes into these files, between `// lab: NAME {{` and \
         `// lab: NAME }}`; helpers may stand elsewhere in them:\n\n{list}\nOnly they are looked \
         at when this folder is checked:\n\n```\n{jostle} lab check .\n{jostle} lab check . {}\n\
         ```\n\n{}\n",
        lab.title,
        lab.about,
        lab.exercises.first().map_or("", |exercise| &exercise.name),
        remark(lab.language)
    );
    for Exercise {
        name,
        title,
        points,
        statement,
        hints,
        ..
    } in &lab.exercises
    {
        page += &format!(
            "\n## {name}: {title} ({points} points)\n\n{statement}\n\n<details><summary>Hints\
             </summary>\n\n{hints}\n\n</details>\n"
        );
    }
    page
}

/// What is odd in files with holes, and where to read on.
fn remark(language: Language) -> &'static str {
    match language {
        Language::Rust => {
            "At the top of their crates, `src/lib.rs`, `#![allow(unused)]` stands because of the \
             holes. `docs/labs.md` says how to find out what is wrong."
        }
        Language::C => {
            "At their top `#pragma GCC diagnostic` stands because of the holes. `./jostle run \
             c/examples/forktree.c --machine sim` runs a program on what you have written, and \
             `docs/labs.md` says how to find out what is wrong."
        }
    }
}
