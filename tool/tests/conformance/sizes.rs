//! No source file and no function is longer than can be read at one go.
//!
//! The hard thing is what counts. A file counts whole, with its comments and its
//! unit tests; a function from `fn` to its closing brace, and only outside of
//! unit tests.

use libtest_mimic::Failed;
use syn::visit::{self, Visit};

use crate::boot::host;
use crate::sources::{self, Source};
use crate::trial::Trial;

/// The folders whose files are measured. One that is not there has none.
const FOLDERS: [&str; 7] = [
    "biglock", "kcore", "kernel", "monitor", "sim/src", "tool/src", "witness",
];
/// The most lines of a file.
const FILE: usize = 500;
/// The most lines of a function.
const FUNCTION: usize = 70;

/// A case for each folder.
pub fn trials() -> impl Iterator<Item = Trial> {
    FOLDERS.into_iter().map(|folder| {
        let name = format!("sizes::{}", folder.replace("/src", ""));
        Trial::test(name, move || is_short(folder))
    })
}

fn is_short(folder: &str) -> Result<(), Failed> {
    let root = host()?.workspace.root();
    let sources = sources::below(root, folder)?;
    if sources.is_empty() && root.join(folder).exists() {
        return Err(format!("no sources in {folder}").into());
    }
    let long: Vec<String> = sources.iter().flat_map(too_long).collect();
    if long.is_empty() {
        return Ok(());
    }
    Err(long.join("\n").into())
}

/// What is too long in a file.
fn too_long(source: &Source) -> Vec<String> {
    let mut functions = Functions::default();
    for item in &source.items {
        functions.visit_item(item);
    }
    let path = &source.path;
    let file = (source.lines > FILE).then(|| format!("{path}: {} lines", source.lines));
    let functions = functions.0.into_iter();
    let long = functions.filter(|(_, _, lines)| *lines > FUNCTION);
    file.into_iter()
        .chain(long.map(|(at, name, lines)| format!("{path}:{at}: {name}: {lines} lines")))
        .collect()
}

/// Where each function begins, its name, and how many lines it has.
#[derive(Default)]
struct Functions(Vec<(usize, String, usize)>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let (first, _) = sources::lines(&signature.fn_token);
        let (_, last) = sources::lines(body);
        let name = signature.ident.to_string();
        self.0.push((first, name, last + 1 - first));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}
