//! The mark of a folder that was made for a lab: which lab, and which tree it came from.
//!
//! The hard thing is that it is in somebody else's hands: it may be anything by now.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::language::Language;
use crate::regular_file::refusal;
use crate::workspace::Workspace;

/// Says which lab a folder is of, and which tree it was made from.
pub const FILE: &str = "lab.toml";

/// What a folder's mark says.
pub fn written(workspace: &Workspace, lab: &str, language: Language) -> anyhow::Result<String> {
    let root = workspace.root();
    let tree = root.to_str();
    let tree = tree.with_context(|| format!("{}: not text", root.display()))?;
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let language = match language {
        Language::Rust => "",
        Language::C => "language = \"c\"\n",
    };
    Ok(format!(
        "# What this folder is; `jostle lab check` reads it.\nlab = {}\n{language}tree = {}\n",
        quoted(lab),
        quoted(tree)
    ))
}

/// Whether a folder says that it was made for a lab.
pub fn is_one(folder: &Path) -> bool {
    folder.join(FILE).exists()
}

/// Which lab a folder is of, and in which language.
pub fn lab_of(folder: &Path) -> anyhow::Result<(String, Language)> {
    let name = entry(folder, "lab")?
        .ok_or_else(|| refusal(folder, format_args!("not the folder of a lab: no {FILE}")))?;
    let text = text(&folder.join(FILE))?;
    let language = match value(&text, "language").as_deref() {
        None => Language::Rust,
        Some("c") => Language::C,
        Some(other) => {
            let why = format_args!("of a lab in {other:?}, which this tree has not");
            return Err(refusal(folder, why));
        }
    };
    Ok((name, language))
}

/// The tree that a folder was made from, if it is one of a lab.
pub fn tree_of(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    Ok(entry(folder, "tree")?.map(PathBuf::from))
}

/// An entry of a folder's mark, if it has a mark.
fn entry(folder: &Path, name: &str) -> anyhow::Result<Option<String>> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let text = text(&path)?;
    let damaged = || refusal(&path, format_args!("damaged: no line {name} = \"...\""));
    value(&text, name).map(Some).ok_or_else(damaged)
}

fn value(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(" = ")?;
        serde_json::from_str(value).ok()
    })
}

/// A file of a folder that is somebody else's.
pub fn text(path: &Path) -> anyhow::Result<String> {
    crate::regular_file::metadata(path)?;
    fs::read_to_string(path).map_err(|error| refusal(path, error))
}
