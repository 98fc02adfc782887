//! In no crate do files import each other in a circle: a reader can begin at the
//! bottom and needs nothing from above.
//!
//! A file imports the one that *defines* a name that it uses, whatever the name
//! came through: a `pub use` ties nobody but whoever takes the name from there.
//! The hard thing is to find that file. Names come from a `use`, from a glob, by
//! a path in the middle of an expression or within a macro's arguments, and each
//! is looked up in its own module as the compiler would.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use libtest_mimic::Failed;
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, UseTree};

use crate::boot::host;
use crate::sources::{self, Source};
use crate::trial::Trial;

/// The crates, by their folders. One that is not there has no circles.
const CRATES: [&str; 8] = [
    "biglock", "firmware", "kcore", "kernel", "monitor", "sim", "tool", "witness",
];

/// A case for each crate.
pub fn trials() -> impl Iterator<Item = Trial> {
    let crates = CRATES.into_iter().map(|folder| {
        Trial::test(format!("layers::{folder}"), move || {
            has_no_circle(host()?.workspace.root(), folder)
        })
    });
    crates.chain([Trial::test("layers::are_seen", circles_are_seen)])
}

fn has_no_circle(root: &Path, folder: &str) -> Result<(), Failed> {
    let sources = sources::below(root, &format!("{folder}/src"))?;
    let imports = Crate::of(&sources).imports();
    match circles(&imports) {
        None if imports.is_empty() && sources.len() > 2 => {
            Err(format!("no imports found in {} files", sources.len()).into())
        }
        None => Ok(()),
        Some(told) => Err(told.into()),
    }
}

/// What each file imports: the names that it takes from each other file.
type Imports<'s> = BTreeMap<&'s str, BTreeMap<&'s str, BTreeSet<String>>>;

/// Tells of circles until each file that is in one is in one that was told of.
fn circles(imports: &Imports<'_>) -> Option<String> {
    let mut told = String::new();
    let mut named = BTreeSet::new();
    let mut circles: Vec<_> = imports
        .keys()
        .filter_map(|&file| way_back(imports, file))
        .collect();
    circles.sort_by_key(Vec::len);
    for circle in circles {
        if circle.iter().all(|file| named.contains(file)) {
            continue;
        }
        told += "\nin a circle:";
        for (from, to) in circle.iter().zip(circle.iter().skip(1)) {
            let names: Vec<&str> = imports[from][to].iter().map(String::as_str).collect();
            told += &format!("\n  {from} imports {to}: {}", names.join(", "));
        }
        named.extend(circle);
    }
    (!told.is_empty()).then_some(told)
}

/// A shortest way from a file along imports to itself.
fn way_back<'s>(imports: &Imports<'s>, file: &'s str) -> Option<Vec<&'s str>> {
    let mut seen = BTreeSet::new();
    let mut ways = std::collections::VecDeque::from([vec![file]]);
    while let Some(way) = ways.pop_front() {
        let last = way.last()?;
        for &next in imports.get(last).into_iter().flat_map(BTreeMap::keys) {
            let longer = [&way[..], &[next]].concat();
            if next == file {
                return Some(longer);
            }
            if seen.insert(next) {
                ways.push_back(longer);
            }
        }
    }
    None
}

/// The modules of a crate by their paths, `crate` among them.
struct Crate<'s>(BTreeMap<Vec<String>, Module<'s>>);

/// A module and the names in it.
#[derive(Default)]
struct Module<'s> {
    file: &'s str,
    items: Vec<&'s Item>,
    defined: BTreeSet<String>,
    /// Names that a `use` brings in, and the path that each stands for.
    used: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

impl<'s> Crate<'s> {
    fn of(sources: &'s [Source]) -> Self {
        let mut found = Self(BTreeMap::new());
        for source in sources {
            found.add(module_path(&source.path), &source.path, &source.items);
        }
        found
    }

    fn add(&mut self, path: Vec<String>, file: &'s str, items: &'s [Item]) {
        let mut module = Module {
            file,
            ..Module::default()
        };
        for item in items {
            match item {
                Item::Mod(inner) => {
                    if let Some((_, items)) = &inner.content {
                        let inner = [&path[..], &[inner.ident.to_string()]].concat();
                        self.add(inner, file, items);
                    }
                    continue;
                }
                Item::Use(import) => module.bring_in(&import.tree, Vec::new()),
                _ => module.defined.extend(name(item)),
            }
            module.items.push(item);
        }
        self.0.insert(path, module);
    }

    /// What each file imports.
    fn imports(&self) -> Imports<'s> {
        let mut imports = Imports::new();
        for (path, module) in &self.0 {
            let mut names = Names::default();
            for item in &module.items {
                names.visit_item(item);
            }
            for name in names.0 {
                let Some(file) = self.definer(path, &name, 0) else {
                    continue;
                };
                if file != module.file {
                    let from = imports.entry(module.file).or_default();
                    let shown = name.join("::");
                    from.entry(file).or_default().insert(shown);
                }
            }
        }
        imports
    }

    /// The file that defines what a path stands for in a module.
    fn definer(&self, module: &[String], path: &[String], depth: usize) -> Option<&'s str> {
        // Globs may lead round in a circle.
        if depth > 16 {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let parent = || module.split_last().map(|(_, parent)| parent.to_vec());
        let place = match first.as_str() {
            "crate" => module[..1].to_vec(),
            "self" => module.to_vec(),
            "super" => parent()?,
            _ => {
                let inner = [module, std::slice::from_ref(first)].concat();
                if !self.0.contains_key(&inner) {
                    return self.named(module, first, rest, depth);
                }
                inner
            }
        };
        self.definer(&place, rest, depth)
    }

    /// The same for a path that begins with a name that is no module.
    fn named(
        &self,
        module: &[String],
        first: &str,
        rest: &[String],
        depth: usize,
    ) -> Option<&'s str> {
        let names = self.0.get(module)?;
        if names.defined.contains(first) {
            return Some(names.file);
        }
        if let Some(stands_for) = names.used.get(first) {
            // `use name::Something` in a module that has no `name`.
            let is_foreign = stands_for.first().is_some_and(|start| start == first);
            let whole = [&stands_for[..], rest].concat();
            return (!is_foreign).then(|| self.definer(module, &whole, depth + 1))?;
        }
        names.globs.iter().find_map(|glob| {
            let whole = [&glob[..], &[first.to_owned()], rest].concat();
            let is_local = glob.first().is_some_and(|start| {
                let inner = [module, std::slice::from_ref(start)].concat();
                ["crate", "self", "super"].contains(&start.as_str()) || self.0.contains_key(&inner)
            });
            is_local.then(|| self.definer(module, &whole, depth + 1))?
        })
    }
}

impl Module<'_> {
    fn bring_in(&mut self, tree: &UseTree, mut before: Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.bring_in(&path.tree, before);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.bring_in(tree, before.clone());
                }
            }
            UseTree::Glob(_) => self.globs.push(before),
            UseTree::Name(name) if name.ident == "self" => {
                let name = before.last().cloned().unwrap_or_default();
                self.used.insert(name, before);
            }
            UseTree::Name(name) => {
                before.push(name.ident.to_string());
                self.used.insert(name.ident.to_string(), before);
            }
            UseTree::Rename(renamed) => {
                before.push(renamed.ident.to_string());
                self.used.insert(renamed.rename.to_string(), before);
            }
        }
    }
}

/// `crate`, and the modules that lead to a file.
fn module_path(file: &str) -> Vec<String> {
    let inner = file.split_once("/src/").map_or(file, |(_, inner)| inner);
    let inner = inner.trim_end_matches(".rs").trim_end_matches("/mod");
    let modules = inner.split('/').map(str::to_owned);
    let is_root = inner == "lib" || inner == "main";
    let start = std::iter::once("crate".to_owned());
    start.chain(modules.filter(|_| !is_root)).collect()
}

/// The name that an item defines.
fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Every path that is written down, from its first name on.
#[derive(Default)]
struct Names(BTreeSet<Vec<String>>);

impl<'ast> Visit<'ast> for Names {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|part| part.ident.to_string());
        self.0.insert(names.collect());
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        // A name that is passed on is used by whoever takes it.
        if matches!(import.vis, syn::Visibility::Inherited) {
            let mut module = Module::default();
            module.bring_in(&import.tree, Vec::new());
            self.0.extend(module.used.into_values());
        }
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }
}

impl Names {
    /// The paths among a macro's arguments.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.0.insert(std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                other => {
                    self.0.insert(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.0.insert(path);
    }
}

/// The check sees each way to import, and no circle where a name is passed on.
fn circles_are_seen() -> Result<(), Failed> {
    let told = |files: &[(&str, &str)]| -> Result<Option<String>, Failed> {
        let sources = files.iter().map(|(path, text)| {
            Ok(Source {
                path: format!("x/src/{path}"),
                lines: 0,
                items: syn::parse_file(text)?.items,
            })
        });
        let sources: Vec<Source> = sources.collect::<syn::Result<_>>()?;
        Ok(circles(&Crate::of(&sources).imports()))
    };
    let low = ("low.rs", "pub struct Low; fn f() { super::high::g() }");
    for high in [
        "use crate::low::Low; pub fn g() {}",
        "use super::low::{self as deep}; pub fn g() { deep::f() }",
        "use super::low::*; pub fn g() -> Low {}",
        "pub fn g() { vec![crate::low::Low] }",
        "use crate::Low; pub fn g() {}",
    ] {
        let root = ("lib.rs", "mod low; mod high; pub use low::Low;");
        let told = told(&[root, low, ("high.rs", high)])?;
        if !told.is_some_and(|told| told.contains("x/src/high.rs imports x/src/low.rs")) {
            return Err(format!("no circle seen in {high:?}").into());
        }
    }
    // The parent passes on a name of one child, and the other takes it.
    let passed_on = told(&[
        ("lib.rs", "mod low; mod high; pub use low::f;"),
        ("low.rs", "pub fn f() {}"),
        (
            "high.rs",
            "use super::f; use std::vec::*; fn g() { Vec::new() }",
        ),
    ])?;
    passed_on.map_or(Ok(()), |told| Err(told.into()))
}
