//! Which labs there are: the folders of `labs/`.
//!
//! The hard thing is who asks. In a folder that was made for a lab there are none, and whoever
//! asks there is told where.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::exercise::Exercise;
use super::language::Language;
use super::mark;
use crate::status::usage;
use crate::workspace::Workspace;

/// Where they are, below the root.
pub const FOLDER: &str = "labs";
/// The folder there that is no lab: programs that only its tests need.
pub const PROGRAMS: &str = "programs";
/// The file of a lab that is no exercise: its title, and what it is about.
const ABOUT: &str = "README.md";

/// Some exercises that are done in one folder, in their order.
#[derive(Debug)]
pub struct Lab {
    /// What it is called.
    pub name: String,
    /// What its exercises are in.
    pub language: Language,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub about: String,
    /// What is to be done.
    pub exercises: Vec<Exercise>,
}

impl Lab {
    /// How many points there are.
    pub fn points(&self) -> u32 {
        self.exercises.iter().map(|exercise| exercise.points).sum()
    }

    /// The exercise with this name.
    pub fn exercise(&self, name: &str) -> anyhow::Result<&Exercise> {
        let found = self.exercises.iter().find(|known| known.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.exercises.iter().map(|known| &*known.name).collect();
            let names = names.join(", ");
            usage(format_args!(
                "lab {} has no exercise {name:?}, but {names}",
                self.name
            ))
        })
    }
}

/// All labs of this tree, in order.
pub fn all(workspace: &Workspace) -> anyhow::Result<Vec<Lab>> {
    if let Some(tree) = mark::tree_of(workspace.root())? {
        let tree = tree.join("jostle");
        return Err(usage(format_args!(
            "this is the folder of a lab; ask the tree that it was made from: {} lab",
            crate::quoting::shell_word(tree.as_os_str())
        )));
    }
    let folder = workspace.root().join(FOLDER);
    let mut labs = Vec::new();
    for name in names(&folder)?.iter().filter(|name| *name != PROGRAMS) {
        for language in Language::ALL {
            if folder.join(name).join(language.exercises()).exists() {
                labs.push(read(workspace, name, language)?);
            }
        }
    }
    Ok(labs)
}

/// The lab with this name, in this language.
pub fn find(workspace: &Workspace, name: &str, language: Language) -> anyhow::Result<Lab> {
    let (there, others): (Vec<Lab>, Vec<Lab>) = all(workspace)?
        .into_iter()
        .partition(|lab| lab.language == language);
    let names: Vec<&str> = there.iter().map(|lab| &*lab.name).collect();
    let names = names.join(", ");
    let in_other = others.iter().any(|lab| lab.name == name);
    let refused = match in_other {
        true => usage(format_args!(
            "lab {name} is not there in C: it is about the kernel, which is in Rust; in C there \
             are {names}"
        )),
        false => usage(format_args!("there is no lab {name:?}, but {names}")),
    };
    there
        .into_iter()
        .find(|lab| lab.name == name)
        .ok_or(refused)
}

fn read(workspace: &Workspace, name: &str, language: Language) -> anyhow::Result<Lab> {
    let place = Path::new(name).join(language.exercises());
    let folder = workspace.root().join(FOLDER).join(&place);
    let place = place.display();
    let text = |file: &str| {
        let path = folder.join(file);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let about = text(ABOUT)?;
    let Some((title, about)) = about
        .strip_prefix("# ")
        .and_then(|rest| rest.split_once('\n'))
    else {
        bail!("{FOLDER}/{place}/{ABOUT} does not begin with a title");
    };
    let mut exercises = Vec::new();
    let others = [ABOUT, Language::C.exercises()];
    for file in names(&folder)? {
        if others.contains(&&*file) {
            continue;
        }
        let wrong = |error: String| anyhow::anyhow!("{FOLDER}/{place}/{file}: {error}");
        exercises.push(Exercise::parse(language, &file, &text(&file)?).map_err(wrong)?);
    }
    Ok(Lab {
        name: name.to_owned(),
        language,
        title: title.trim().to_owned(),
        about: about.trim().to_owned(),
        exercises,
    })
}

/// What is in a folder, in the order of its names.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().into_string();
        names.push(name.map_err(|odd| anyhow::anyhow!("not text: {}", odd.display()))?);
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labs::markers;
    use crate::plants::copy;

    /// Every marker belongs to an exercise, and every exercise has its holes.
    #[test]
    fn every_exercise_can_be_cut() {
        let workspace = Workspace::locate();
        let labs = all(&workspace).expect("the labs");
        let exercises: Vec<&Exercise> = labs.iter().flat_map(|lab| &lab.exercises).collect();
        assert!(exercises.len() > 8);
        let tree = copy::tree(workspace.root()).expect("the tree");
        for exercise in &exercises {
            let mut files = tree.clone();
            let taken = markers::cut(&mut files, &[exercise]).expect("it can be cut");
            assert!(!taken.is_empty(), "{}", exercise.name);
        }
        let mut names: Vec<(Language, String)> = exercises
            .iter()
            .map(|known| (known.language, known.name.clone()))
            .collect();
        names.sort_unstable();
        let marked = markers::names(&tree).expect("markers in pairs");
        let marked: Vec<(Language, String)> = marked.into_iter().collect();
        assert_eq!(marked, names, "markers, and exercises");
    }

    #[test]
    fn what_there_is_not_is_refused() {
        let workspace = Workspace::locate();
        let find = |name| find(&workspace, name, Language::Rust);
        let error = find("z").expect_err("no such lab");
        assert_eq!(crate::status::of_error(&error), crate::status::USAGE);
        assert!(
            error
                .to_string()
                .starts_with("there is no lab \"z\", but a, b")
        );
        let error = find("a").expect("a lab");
        let error = error.exercise("fork").expect_err("it is another lab's");
        assert!(
            error
                .to_string()
                .starts_with("lab a has no exercise \"fork\", but turns,")
        );
    }
}
