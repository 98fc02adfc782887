//! Planted bugs: patches that break the kernel in a known way, to show that
//! tests notice. See `plants/README.md`.
//!
//! The hard thing is that there are dozens of them, and a build takes minutes.
//! So all go into one copy of the tree, where each is asleep until it is named.

pub mod copy;
mod patch;
pub mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

pub use self::patch::Files;
use crate::host_cargo;
use crate::workspace::Workspace;

/// Where they are, below the root.
const FOLDER: &str = "plants";
/// What every copy gets beside them, in this order: it is not a plant.
const SWITCH: &str = "switch/switch.patch";
/// Whole files of the copy: from where in the folder, and where to.
const WHOLE: [(&str, &str); 2] = [
    ("switch/plant.rs", "kcore/src/plant.rs"),
    ("tests", "planted"),
];
/// Their name there.
const TESTS: &str = "planted";
/// The variable that names the plant that is awake in a program of the copy.
pub const VARIABLE: &str = "JOSTLE_PLANT";
/// What the copy calls them by.
const NAMES: &str = "kcore/src/plant_names.rs";

/// Whether this word of the kernel's command line wakes one. Only the kernel of
/// the copy understands it.
pub fn wakes(word: &str) -> bool {
    word.starts_with("plant=")
}

/// What the folder holds.
pub struct Plants {
    folder: PathBuf,
    /// By name.
    patches: BTreeMap<String, String>,
    switch: String,
}

impl Plants {
    /// Reads the folder.
    pub fn read(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = workspace.root().join(FOLDER);
        let mut patches = BTreeMap::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(name) = name.and_then(|name| name.strip_suffix(".patch")) {
                patches.insert(name.to_owned(), text(&path)?);
            }
        }
        let switch = text(&folder.join(SWITCH))?;
        Ok(Self {
            folder,
            patches,
            switch,
        })
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.patches.keys().map(String::as_str)
    }

    /// Changes `files`, the tree, into what has all of them.
    fn grow_in(&self, files: &mut Files) -> anyhow::Result<()> {
        let complaints = self.complaints(files);
        if !complaints.is_empty() {
            bail!("{}", complaints.join("\n"));
        }
        for patch in std::iter::once(&self.switch).chain(self.patches.values()) {
            patch::apply(patch, files).map_err(anyhow::Error::msg)?;
        }
        for (from, to) in WHOLE {
            copy::read(&self.folder.join(from), Path::new(to), files)?;
        }
        let names: Vec<&str> = self.names().collect();
        files.insert(NAMES.into(), format!("&{names:?}\n").into_bytes());
        Ok(())
    }

    /// A line for each patch that does not apply to these files.
    pub fn complaints(&self, files: &Files) -> Vec<String> {
        let own = |name: &str| format!("{FOLDER}/{name}.patch");
        let each = self.patches.iter().map(|(name, text)| (own(name), text));
        let switch = (format!("{FOLDER}/{SWITCH}"), &self.switch);
        let mut together = files.clone();
        let mut complaints = Vec::new();
        for (name, text) in std::iter::once(switch).chain(each) {
            // By itself first: then what is wrong is this patch's own fault.
            let alone = patch::apply(text, &mut files.clone());
            let wrong = match alone {
                Ok(()) => patch::apply(text, &mut together)
                    .map_err(|wrong| format!("after those before it in the folder: {wrong}")),
                Err(wrong) => Err(wrong),
            };
            if let Err(wrong) = wrong {
                complaints.push(format!(
                    "{name} does not apply any more: {wrong}; make the same change to the file as \
                     it is now, and write it anew as {FOLDER}/README.md says"
                ));
            }
        }
        complaints
    }
}

/// Makes the copy, or makes it the same again as the tree and the patches are.
/// What has not changed is not touched, so cargo builds it once.
pub fn grow(workspace: &Workspace) -> anyhow::Result<Workspace> {
    let plants = Plants::read(workspace)?;
    let mut files = copy::tree(workspace.root())?;
    plants.grow_in(&mut files)?;
    let planted = workspace.planted();
    copy::write(planted.root(), &files)?;
    Ok(planted)
}

/// Builds the tests of `plants/tests` in the copy: the program that runs them.
pub fn core_tests(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    host_cargo::build_test(&grow(workspace)?, TESTS, TESTS)
}

fn text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plants_and_tree() -> (Plants, Files) {
        let workspace = Workspace::locate();
        let plants = Plants::read(&workspace).expect("the folder");
        (plants, copy::tree(workspace.root()).expect("the tree"))
    }

    #[test]
    fn every_plant_applies() {
        let (plants, files) = plants_and_tree();
        assert!(plants.names().count() > 40);
        let complaints = plants.complaints(&files);
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }

    #[test]
    fn one_that_does_not_is_named() {
        let (plants, mut files) = plants_and_tree();
        let file = files
            .get_mut(Path::new("kcore/src/frames.rs"))
            .expect("the file");
        let text = String::from_utf8(file.clone()).expect("text");
        *file = text.replace("if count == 0 {", "if count < 1 {").into();
        let complaints = plants.complaints(&files);
        let [complaint] = &complaints[..] else {
            panic!("{complaints:?}");
        };
        for part in ["plants/skip-limbo.patch", "kcore/src/frames.rs", "README"] {
            assert!(complaint.contains(part), "{complaint}");
        }
    }

    /// A plant that no test asks for shows nothing.
    #[test]
    fn every_plant_is_asked_for() {
        let (plants, mut files) = plants_and_tree();
        copy::read(
            &plants.folder.join("tests"),
            Path::new("plants"),
            &mut files,
        )
        .expect("the tests of the copy");
        let tests = files.iter().filter(|(path, _)| {
            path.starts_with("plants") || path.starts_with("tool/tests/conformance")
        });
        let tests: Vec<_> = tests
            .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
            .collect();
        let idle = plants.names().filter(|name| {
            let forms = [format!("\"{name}\""), format!("plant={name}\"")];
            !tests
                .iter()
                .any(|test| forms.iter().any(|form| test.contains(form)))
        });
        assert_eq!(idle.collect::<Vec<_>>(), [""; 0]);
    }
}
