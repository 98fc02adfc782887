//! Programs that are built from sources of somebody's own, wherever they are.
//!
//! A folder with a `Cargo.toml` is a program in Rust, one with C files is a program in C,
//! and so is a single C file. The hard thing is to know what will come out before it is
//! built: requests are checked first.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::{c, inner_cargo};
use crate::regular_file::{self, refusal};
use crate::workspace::Workspace;

/// Where sources are, and what is made of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    language: Language,
    /// What the program is called.
    pub name: String,
    /// The ELF file.
    pub output: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Language {
    /// The folder of a package.
    Rust(PathBuf),
    /// Files that are linked together.
    C(Vec<PathBuf>),
}

impl Source {
    /// What is at `path`, if that is a folder or a C file.
    pub fn find(workspace: &Workspace, path: &Path) -> anyhow::Result<Option<Source>> {
        let is_folder = path.is_dir();
        if !is_folder && !is_c(path) {
            return Ok(None);
        }
        let place = path.canonicalize().map_err(|error| refusal(path, error))?;
        if !is_folder {
            regular_file::metadata(path)?;
            let folder = workspace.target().join("c").join(number(&place));
            return Source::of_c(path, vec![place], &folder).map(Some);
        }
        let manifest = place.join("Cargo.toml");
        if manifest.exists() {
            return Source::of_package(path, place, &manifest).map(Some);
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&place).map_err(|error| refusal(path, error))? {
            let file = entry.map_err(|error| refusal(path, error))?.path();
            files.extend(is_c(&file).then_some(file));
        }
        if files.is_empty() {
            let why = "a folder without a program: it has neither Cargo.toml nor C files";
            return Err(refusal(path, why));
        }
        files.sort();
        Source::of_c(path, files, &place.join("target")).map(Some)
    }

    /// One file gives the program its name, several have it from their folder.
    fn of_c(path: &Path, files: Vec<PathBuf>, folder: &Path) -> anyhow::Result<Source> {
        let named = match files.as_slice() {
            [file] => file.file_stem(),
            _ => files[0].parent().and_then(Path::file_name),
        };
        let name = named.and_then(OsStr::to_str);
        let name = name.ok_or_else(|| refusal(path, "its name is no text"))?;
        let name = name.to_owned();
        Ok(Source {
            output: folder.join(&name),
            language: Language::C(files),
            name,
        })
    }

    fn of_package(path: &Path, folder: PathBuf, manifest: &Path) -> anyhow::Result<Source> {
        let text = std::fs::read_to_string(manifest).map_err(|error| refusal(manifest, error))?;
        let name =
            package_name(&text).ok_or_else(|| refusal(path, "Cargo.toml names no package"))?;
        Ok(Source {
            output: inner_cargo::own_output(&folder, &name),
            language: Language::Rust(folder),
            name,
        })
    }

    /// Builds it; the compiler's messages go to standard error.
    pub fn build(&self, workspace: &Workspace, plan: &Plan) -> anyhow::Result<()> {
        match &self.language {
            Language::Rust(folder) => inner_cargo::build_own(workspace, plan, folder, &self.name),
            Language::C(files) => c::build(workspace, plan, files, &self.name, &self.output),
        }
    }
}

fn is_c(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "c")
}

/// A folder's name for each path.
fn number(path: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The name in the section `[package]`, as manifests are written.
fn package_name(manifest: &str) -> Option<String> {
    let lines = manifest.lines().map(str::trim);
    let package = lines.skip_while(|line| *line != "[package]").skip(1);
    let mut lines = package.take_while(|line| !line.starts_with('['));
    lines.find_map(|line| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim().strip_prefix('"')?;
        (key.trim() == "name").then(|| value.split('"').next().unwrap_or_default().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn the_name_is_the_packages() {
        let manifest = "[lib]\nname = \"a\"\n[package]\nedition = \"2024\"\n  name=\"b\" # c\n";
        assert_eq!(package_name(manifest).as_deref(), Some("b"));
        assert_eq!(package_name("[package]\n[lib]\nname = \"a\"\n"), None);
        assert_eq!(package_name(""), None);
    }

    #[test]
    fn sources_are_known_by_what_there_is() {
        let scratch = Scratch::new("source");
        let workspace = Workspace::locate();
        let find = |path: &Path| Source::find(&workspace, path);
        let place = scratch.path().canonicalize().expect("a folder");
        let empty = find(scratch.path()).expect_err("nothing there");
        assert!(empty.to_string().contains("neither Cargo.toml nor C files"));
        let one = scratch.file("one.c");
        std::fs::write(&one, "").expect("written");
        let found = find(scratch.path()).expect("sources").expect("C");
        assert_eq!(found.output, place.join("target/one"));
        let alone = find(&one).expect("sources").expect("C");
        assert_eq!(alone.name, "one");
        assert!(alone.output.starts_with(workspace.target()));
        std::fs::write(scratch.file("two.c"), "").expect("written");
        let found = find(scratch.path()).expect("sources").expect("C");
        assert_eq!(Some(OsStr::new(&found.name)), place.file_name());
        std::fs::write(scratch.file("Cargo.toml"), "[package]\nname = \"p\"\n").expect("written");
        let found = find(scratch.path()).expect("sources").expect("Rust");
        assert_eq!(found.name, "p");
        assert!(
            found
                .output
                .ends_with("target/guest/i586-unknown-linux-gnu/guest/p")
        );
        assert_eq!(find(&scratch.file("other")).expect("no error"), None);
    }
}
