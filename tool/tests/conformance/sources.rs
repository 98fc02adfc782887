//! The project's own sources, as its compiler sees them: crates, modules, items.
//!
//! The hard thing is what to leave out. A unit test may use whatever it likes,
//! so items for tests alone are dropped as soon as a file is read.

use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use syn::spanned::Spanned;

/// A source file.
pub struct Source {
    /// Its path from the root of the tree.
    pub path: String,
    /// How many lines it has.
    pub lines: usize,
    /// What it says, but for what is for tests only.
    pub items: Vec<syn::Item>,
}

/// The Rust files below a folder, in the order of their paths; none, if there
/// is no such folder.
pub fn below(root: &Path, folder: &str) -> Result<Vec<Source>, Failed> {
    let mut sources = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(root.join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                sources.push(read(root, &path)?);
            }
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

fn read(root: &Path, path: &Path) -> Result<Source, Failed> {
    let text = std::fs::read_to_string(root.join(path))?;
    let path = path.display().to_string();
    let file = syn::parse_file(&text).map_err(|error| {
        let line = error.span().start().line;
        format!("{path}:{line}: {error}")
    })?;
    Ok(Source {
        path,
        lines: text.lines().count(),
        items: without_tests(file.items),
    })
}

/// Without the items that a test's build alone has.
fn without_tests(items: Vec<syn::Item>) -> Vec<syn::Item> {
    let for_tests = |attribute: &syn::Attribute| {
        let test = |list: &syn::MetaList| list.tokens.to_string() == "test";
        let list = attribute.meta.require_list();
        attribute.path().is_ident("cfg") && list.is_ok_and(test)
    };
    let mut items = items;
    items.retain(|item| !attributes(item).iter().any(for_tests));
    items
}

/// The attributes of an item.
pub fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item;
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The first and the last line of something.
pub fn lines(place: &impl Spanned) -> (usize, usize) {
    let span = place.span();
    (span.start().line, span.end().line)
}
