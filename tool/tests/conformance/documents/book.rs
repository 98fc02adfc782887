//! The pages hang together: each is in the summary once, and each link leads to something that
//! is there, headings included.
//!
//! The hard thing is that mdBook, which makes the book, takes minutes to get. So what can be
//! wrong is looked for here in the pages as they are, and the book itself is built where
//! mdBook happens to be; with `CI` in the environment it is obtained.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use jostle::commands::book;
use libtest_mimic::Failed;

use crate::boot::host;
use crate::command_line::status_is;
use crate::trial::Trial;

const SUMMARY: &str = "docs/SUMMARY.md";
/// Folders of pages, and pages, whose links are followed.
const LINKED: [&str; 4] = ["docs", "docs/decisions", "plants", "."];
/// Those of them that are in the book.
const IN_BOOK: [&str; 2] = ["docs", "docs/decisions"];

pub fn trials() -> impl Iterator<Item = Trial> {
    [
        Trial::test("documents::book_is_built", book_is_built),
        Trial::test("documents::links_lead_somewhere", links_lead_somewhere),
        Trial::test("documents::summary_names_every_page", summary_is_complete),
    ]
    .into_iter()
}

/// The book, by mdBook, and all links in its pages.
fn book_is_built() -> Result<(), Failed> {
    let obtain = std::env::var_os("CI").is_some();
    if !obtain && book::find(&host()?.workspace).is_none() {
        println!("documents::book_is_built was left out: `jostle book` has not got mdBook");
        return Ok(());
    }
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .arg("book")
        .output()?;
    status_is(0, &output)
}

/// All pages that somebody reads.
pub fn all_pages() -> Result<Vec<PathBuf>, Failed> {
    let mut all = Vec::new();
    for folder in LINKED {
        all.extend(pages(folder)?);
    }
    Ok(all)
}

/// The pages of a folder, by their paths from the root.
fn pages(folder: &str) -> Result<Vec<PathBuf>, Failed> {
    let there = host()?.workspace.root().join(folder);
    let mut pages = Vec::new();
    for file in fs::read_dir(there)? {
        let name = file?.file_name();
        let path = Path::new(folder).join(name);
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    Ok(pages)
}

/// The summary names each page of the book once, and each of these is there.
fn summary_is_complete() -> Result<(), Failed> {
    let text = fs::read_to_string(host()?.workspace.root().join(SUMMARY))?;
    let named: Vec<PathBuf> = links(&text)
        .map(|link| Path::new("docs").join(link))
        .collect();
    let once: BTreeSet<&PathBuf> = named.iter().collect();
    let mut there = Vec::new();
    for folder in IN_BOOK {
        there.extend(pages(folder)?);
    }
    there.retain(|page| page != Path::new(SUMMARY));
    let there: BTreeSet<&PathBuf> = there.iter().collect();
    let missing: Vec<_> = there.difference(&once).collect();
    let foreign: Vec<_> = once.difference(&there).collect();
    let again = named.len() - once.len();
    if missing.is_empty() && foreign.is_empty() && again == 0 && !named.is_empty() {
        return Ok(());
    }
    Err(format!("{SUMMARY}: not named: {missing:?}; not there: {foreign:?}; again: {again}").into())
}

/// What a page links to within the tree is there, and so is the heading. A page of the book
/// links to no page that is not in it: mdBook would take that for one of its own.
fn links_lead_somewhere() -> Result<(), Failed> {
    let root = host()?.workspace.root();
    let mut dead = Vec::new();
    let mut count = 0;
    for folder in LINKED {
        for page in pages(folder)? {
            let text = fs::read_to_string(root.join(&page))?;
            for link in links(&text).filter(|link| !link.contains("://")) {
                count += 1;
                if let Some(reason) = fault(root, folder, &page, link)? {
                    dead.push(format!("{}: {link} ({reason})", page.display()));
                }
            }
        }
    }
    if dead.is_empty() && count > 500 {
        return Ok(());
    }
    Err(format!("of {count} links these lead nowhere: {dead:?}").into())
}

/// What is wrong with a link of a page in a folder.
fn fault(
    root: &Path,
    folder: &str,
    page: &Path,
    link: &str,
) -> Result<Option<&'static str>, Failed> {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => page.to_path_buf(),
        _ => plain(&Path::new(folder).join(file)),
    };
    if !root.join(&target).exists() {
        return Ok(Some("not there"));
    }
    let is_page = target.extension().is_some_and(|end| end == "md");
    if IN_BOOK.contains(&folder) && is_page && !target.starts_with("docs") {
        return Ok(Some("a page outside of the book"));
    }
    if heading.is_empty() {
        return Ok(None);
    }
    let text = fs::read_to_string(root.join(&target))?;
    let there = is_page && headings(&text).any(|name| name == heading);
    Ok((!there).then_some("no such heading"))
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// What stands in round brackets behind square ones, but in blocks of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    prose(text)
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.is_empty())
}

/// The lines outside of blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// The names by which headings are linked to.
fn headings(text: &str) -> impl Iterator<Item = String> + '_ {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings.map(|line| {
        let title = line.trim_start_matches('#').trim();
        // Of a link the words count.
        let words = title.replace("](", "\u{0}");
        let words = words.split('\u{0}').next().unwrap_or_default();
        let kept = words.chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ if letter.is_alphanumeric() => Some(letter),
            _ => None,
        });
        kept.collect::<String>().to_lowercase()
    })
}
